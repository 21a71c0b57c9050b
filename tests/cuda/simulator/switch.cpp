/* Switching stacks: a few instructions on x86-64, ucontext elsewhere. SPDX-License-Identifier: Apache-2.0 */
#include "switch.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
/* Callee-saved registers of the System V ABI stay on the stack that is left. */
asm(R"(
    .text
    .p2align 4
    .type simulator_switch, @function
simulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size simulator_switch, . - simulator_switch
)");
extern "C" void simulator_switch(void **save, void *load);

void stack_prepare(stack_context *context, void *bottom, size_t bytes, void (*entry)())
{
    uintptr_t top = (reinterpret_cast<uintptr_t>(bottom) + bytes) & ~static_cast<uintptr_t>(15);
    void **slot = reinterpret_cast<void **>(top);
    *--slot = nullptr; /* entry's return address: it has none */
    *--slot = reinterpret_cast<void *>(entry);
    for (int i = 0; i < 6; i++)
        *--slot = nullptr;
    *context = stack_context{slot, nullptr, bottom, bytes, nullptr};
}

static void machine_switch(stack_context *from, stack_context *to)
{
    simulator_switch(&from->pointer, to->pointer);
}

void stack_release(stack_context *)
{
}
#else
#include <ucontext.h>

void stack_prepare(stack_context *context, void *bottom, size_t bytes, void (*entry)())
{
    ucontext_t *machine = static_cast<ucontext_t *>(calloc(1, sizeof *machine));
    if (machine == nullptr || getcontext(machine) != 0)
        abort();
    machine->uc_stack.ss_sp = bottom;
    machine->uc_stack.ss_size = bytes;
    makecontext(machine, entry, 0);
    *context = stack_context{nullptr, nullptr, bottom, bytes, machine};
}

static void machine_switch(stack_context *from, stack_context *to)
{
    if (from->machine == nullptr)
        from->machine = calloc(1, sizeof(ucontext_t));
    if (from->machine == nullptr)
        abort();
    swapcontext(static_cast<ucontext_t *>(from->machine), static_cast<ucontext_t *>(to->machine));
}

void stack_release(stack_context *context)
{
    free(context->machine);
    context->machine = nullptr;
}
#endif

void stack_switch(stack_context *from, stack_context *to, bool leaving)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(leaving ? nullptr : &from->fake_stack, to->bottom, to->bytes);
#else
    (void)leaving;
#endif
    machine_switch(from, to);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, nullptr, nullptr);
#endif
}

void stack_entered(stack_context *self, stack_context *from)
{
    (void)self;
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &from->bottom, &from->bytes);
#else
    (void)from;
#endif
}
