/* Which characters are letters, digits or the underscore, as \w of MLflow's patterns has it. */
#ifndef MLP_WORD_CHARS_H
#define MLP_WORD_CHARS_H
#include <stdbool.h>
#include <stdint.h>

bool mlp_word_chars_has(uint32_t codepoint);

#endif
