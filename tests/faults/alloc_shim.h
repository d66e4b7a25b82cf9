/* What the preloaded allocator offers to the program that it is in front of, which looks these names up with dlsym. */
#ifndef ALLOC_SHIM_H
#define ALLOC_SHIM_H

/* From now on allocation number nth (1: the next one) of the process fails, whoever asks; 0: none does. */
void alloc_shim_arm(long nth);
/* No allocation fails any more; returns how many there were since. */
long alloc_shim_disarm(void);
/* Blocks that are allocated and not freed. */
long alloc_shim_blocks(void);

#endif
