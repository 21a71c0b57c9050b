/* Thread blocks on the CPU. SPDX-License-Identifier: Apache-2.0
 * A thread runs until it waits: for its warp (warp operations) or its block (barriers); which thread runs next is
 * permuted, so that an order that only happens to work does not pass. Asynchronous copies happen when they are waited
 * for, so that a read before the wait sees old bytes. */
#include "block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <vector>

#include "runtime_int8/cuda/simt_host.cuh"
#include "switch.h"

namespace simt {
const place *now;
}

namespace {

const size_t stack_bytes = 128 << 10;
const uint32_t warp_size = 32;

enum thread_state { READY, AT_WARP, AT_BLOCK, DONE };
enum warp_operation { WARP_NONE, WARP_SYNC, WARP_LDMATRIX, WARP_MMA, WARP_SHFL };

struct pending_copy {
    void *to;
    const void *from;
    uint32_t bytes;
};

struct block_thread {
    simt::place where;
    stack_context context;
    thread_state state;
    std::vector<pending_copy> open;
    std::vector<std::vector<pending_copy>> groups; /* oldest first */
    /* Operands of a warp operation, and its results. */
    const void *address;
    uint32_t a[4], b[2], c[4];
    uint32_t value, mask;
};

struct block_warp {
    uint32_t arrived;
    warp_operation operation;
};

struct block_run {
    const simulator_grid *grid;
    std::vector<block_thread> threads;
    std::vector<block_warp> warps;
    uint32_t at_barrier, done;
    stack_context scheduler;
    block_thread *running;
    uint8_t *stacks;
    size_t stack_count;
};

block_run run;

[[noreturn]] void wrong(const char *what)
{
    const simt::place *p = simt::now;
    fprintf(stderr, "kernel %s, block (%u,%u,%u), thread %u: %s\n", run.grid->name, p->block[0],
            p->block[1], p->block[2], p->thread, what);
    abort();
}

void yield(thread_state state)
{
    block_thread *self = run.running;
    self->state = state;
    stack_switch(&self->context, &run.scheduler, false);
}

void finish(std::vector<pending_copy> &group)
{
    for (const pending_copy &c : group)
        memcpy(c.to, c.from, c.bytes);
    group.clear();
}

void thread_main()
{
    block_thread *self = run.running;
    stack_entered(&self->context, &run.scheduler);
    run.grid->body(run.grid->args);
    for (std::vector<pending_copy> &group : self->groups)
        finish(group);
    self->groups.clear();
    finish(self->open);
    self->state = DONE;
    run.done++;
    if (run.at_barrier > 0)
        wrong("ended while others wait at a barrier");
    stack_switch(&self->context, &run.scheduler, true);
}

block_thread *lane_of(uint32_t lane)
{
    return &run.threads[run.running->where.thread / warp_size * warp_size + lane];
}

/* Row l % 8 of matrix l / 8 is at lane l's address; lane l gets bytes 4*(l%4).. of row l / 4 of each matrix. */
void do_ldmatrix()
{
    for (uint32_t lane = 0; lane < warp_size; lane++)
        for (uint32_t m = 0; m < 4; m++)
            memcpy(&lane_of(lane)->a[m],
                   static_cast<const uint8_t *>(lane_of(m * 8 + lane / 4)->address) + lane % 4 * 4, 4);
}

void do_mma()
{
    uint8_t a[16][32];
    int8_t b[8][32];
    for (uint32_t lane = 0; lane < warp_size; lane++) {
        const block_thread *t = lane_of(lane);
        for (uint32_t i = 0; i < 4; i++)
            memcpy(&a[lane / 4 + i % 2 * 8][lane % 4 * 4 + i / 2 * 16], &t->a[i], 4);
        for (uint32_t i = 0; i < 2; i++)
            memcpy(&b[lane / 4][lane % 4 * 4 + i * 16], &t->b[i], 4);
    }
    for (uint32_t lane = 0; lane < warp_size; lane++)
        for (uint32_t i = 0; i < 4; i++) {
            const uint8_t *row = a[lane / 4 + i / 2 * 8];
            const int8_t *column = b[lane % 4 * 2 + i % 2];
            int32_t sum = 0;
            for (int k = 0; k < 32; k++)
                sum += row[k] * column[k];
            lane_of(lane)->c[i] += static_cast<uint32_t>(sum);
        }
}

void do_shfl()
{
    uint32_t old[warp_size];
    for (uint32_t lane = 0; lane < warp_size; lane++)
        old[lane] = lane_of(lane)->value;
    for (uint32_t lane = 0; lane < warp_size; lane++)
        lane_of(lane)->value = old[(lane ^ lane_of(lane)->mask) % warp_size];
}

/* The last lane to come does the warp's work and frees the others. */
void warp_meet(warp_operation operation)
{
    const uint32_t thread = run.running->where.thread;
    if ((thread / warp_size + 1) * warp_size > run.grid->threads)
        wrong("a warp operation in a warp with fewer than 32 threads");
    block_warp *warp = &run.warps[thread / warp_size];
    if (warp->arrived == 0)
        warp->operation = operation;
    else if (warp->operation != operation)
        wrong("lanes of a warp are at different warp operations");
    if (++warp->arrived < warp_size) {
        yield(AT_WARP);
        return;
    }
    warp->arrived = 0;
    if (operation == WARP_LDMATRIX)
        do_ldmatrix();
    else if (operation == WARP_MMA)
        do_mma();
    else if (operation == WARP_SHFL)
        do_shfl();
    for (uint32_t lane = 0; lane < warp_size; lane++)
        lane_of(lane)->state = READY;
}

} /* namespace */

namespace simt {

void misaligned()
{
    wrong("an access is not aligned to its size");
}

void sync()
{
    if (run.done > 0)
        wrong("a barrier after other threads ended");
    if (++run.at_barrier < run.grid->threads) {
        yield(AT_BLOCK);
        return;
    }
    run.at_barrier = 0;
    for (block_thread &t : run.threads)
        t.state = READY;
}

void sync_warp()
{
    warp_meet(WARP_SYNC);
}

void copy(void *to, const void *from, uint32_t bytes)
{
    uint8_t *shared = now->shared;
    if (reinterpret_cast<uintptr_t>(to) % bytes || reinterpret_cast<uintptr_t>(from) % bytes)
        wrong("an asynchronous copy is not aligned to its size");
    if (to < shared || static_cast<uint8_t *>(to) + bytes > shared + run.grid->shared_bytes)
        wrong("an asynchronous copy to outside of shared memory");
    run.running->open.push_back({to, from, bytes});
}

void copy_commit()
{
    run.running->groups.push_back(std::move(run.running->open));
    run.running->open.clear();
}

void copy_wait_for(uint32_t pending)
{
    block_thread *self = run.running;
    while (self->groups.size() > pending) {
        finish(self->groups.front());
        self->groups.erase(self->groups.begin());
    }
}

void ldmatrix4(uint32_t (&r)[4], const void *p)
{
    block_thread *self = run.running;
    const uint8_t *at = static_cast<const uint8_t *>(p);
    if (reinterpret_cast<uintptr_t>(p) % 16)
        wrong("a row address of ldmatrix is not aligned to 16 bytes");
    if (at < now->shared || at + 16 > now->shared + run.grid->shared_bytes)
        wrong("ldmatrix reads outside of shared memory");
    self->address = p;
    warp_meet(WARP_LDMATRIX);
    memcpy(r, self->a, sizeof r);
}

void mma(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    block_thread *self = run.running;
    memcpy(self->a, a, sizeof a);
    memcpy(self->b, b, sizeof b);
    memcpy(self->c, c, sizeof c);
    warp_meet(WARP_MMA);
    memcpy(c, self->c, sizeof c);
}

uint32_t shfl_xor_bits(uint32_t v, uint32_t mask)
{
    block_thread *self = run.running;
    self->value = v;
    self->mask = mask;
    warp_meet(WARP_SHFL);
    return self->value;
}

uint32_t atomic_add(uint32_t *p, uint32_t v)
{
    const uint32_t old = *p;
    *p = old + v;
    return old;
}

} /* namespace simt */

namespace {

/* i-th of n in an order given by the seed: start and step, the step coprime to n. */
uint32_t permuted(uint32_t i, uint32_t n, uint32_t seed)
{
    static const uint32_t steps[] = {1, 7, 31, 127};
    uint32_t step = steps[seed % 4];
    if (n % step == 0)
        step = 1;
    const uint64_t at = static_cast<uint64_t>(i) * step + seed / 4 * 5;
    return static_cast<uint32_t>(seed % 8 < 4 ? at % n : n - 1 - at % n);
}

void run_block(const uint32_t block[3], uint8_t *shared)
{
    const uint32_t threads = run.grid->threads;
    memset(shared, 0xcd, run.grid->shared_bytes);
    run.at_barrier = run.done = 0;
    for (block_warp &w : run.warps)
        w = block_warp{0, WARP_NONE};
    for (uint32_t t = 0; t < threads; t++) {
        block_thread &self = run.threads[t];
        self.where = simt::place{t, threads, {block[0], block[1], block[2]},
                                 {run.grid->grid[0], run.grid->grid[1], run.grid->grid[2]}, shared};
        self.state = READY;
        stack_prepare(&self.context, run.stacks + t * stack_bytes, stack_bytes, thread_main);
    }
    for (uint32_t round = run.grid->order; run.done < threads; round++) {
        const uint32_t before = run.done;
        bool progress = false;
        for (uint32_t i = 0; i < threads; i++) {
            block_thread &self = run.threads[permuted(i, threads, round)];
            if (self.state != READY)
                continue;
            progress = true;
            run.running = &self;
            simt::now = &self.where;
            stack_switch(&run.scheduler, &self.context, false);
        }
        if (!progress && run.done == before)
            wrong("threads wait for each other at different places");
    }
    for (uint32_t t = 0; t < threads; t++)
        stack_release(&run.threads[t].context);
}

void make_stacks(uint32_t threads)
{
    if (run.stack_count >= threads)
        return;
    if (run.stacks != nullptr)
        munmap(run.stacks, run.stack_count * stack_bytes);
    void *memory = mmap(nullptr, threads * stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    run.stacks = static_cast<uint8_t *>(memory);
    run.stack_count = threads;
}

} /* namespace */

void simulator_run(const simulator_grid &grid)
{
    run.grid = &grid;
    run.threads.resize(grid.threads);
    run.warps.resize((grid.threads + warp_size - 1) / warp_size);
    make_stacks(grid.threads);
    void *shared = nullptr;
    if (posix_memalign(&shared, 128, grid.shared_bytes ? grid.shared_bytes : 1) != 0)
        abort();
    const uint64_t blocks = static_cast<uint64_t>(grid.grid[0]) * grid.grid[1] * grid.grid[2];
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t at = grid.order % 2 ? blocks - 1 - i : i;
        const uint32_t block[3] = {static_cast<uint32_t>(at % grid.grid[0]),
                                   static_cast<uint32_t>(at / grid.grid[0] % grid.grid[1]),
                                   static_cast<uint32_t>(at / grid.grid[0] / grid.grid[1])};
        run_block(block, static_cast<uint8_t *>(shared));
    }
    free(shared);
}
