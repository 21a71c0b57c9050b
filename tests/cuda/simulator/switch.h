/* Switching stacks. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_CUDA_SWITCH_H
#define NNC_TESTS_CUDA_SWITCH_H

#include <stddef.h>

struct stack_context {
    void *pointer;    /* of a stack that is not running */
    void *fake_stack; /* AddressSanitizer's */
    const void *bottom;
    size_t bytes;
    void *machine; /* ucontext_t where there is no assembly */
};

/* A context that starts in entry() on the given stack; entry never returns. */
void stack_prepare(stack_context *context, void *bottom, size_t bytes, void (*entry)());
/* Saves the running context in *from and continues *to. leaving: *from never runs again. */
void stack_switch(stack_context *from, stack_context *to, bool leaving);
/* First thing on a new stack: who came from tells the sanitizer. */
void stack_entered(stack_context *self, stack_context *from);
void stack_release(stack_context *context);

#endif
