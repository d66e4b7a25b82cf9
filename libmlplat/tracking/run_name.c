#include "tracking/run_name.h"
#include "base/digest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At most seven letters each, so that with two dashes and a number up to 1000 a name has at most 20 characters. */
static const char *const predicates[] = {
    "able",    "agile",   "amber",   "ample",   "apt",    "ardent",  "azure",   "bold",    "brave",  "breezy", "bright",
    "brisk",   "calm",    "candid",  "careful", "cheery", "civil",   "clear",   "clever",  "comic",  "cosy",   "crisp",
    "curious", "daring",  "deft",    "dreamy",  "eager",  "early",   "earnest", "easy",    "fair",   "famous", "fancy",
    "fast",    "fleet",   "fluent",  "fond",    "frank",  "fresh",   "frosty",  "gentle",  "genial", "gifted", "glad",
    "golden",  "grand",   "handy",   "happy",   "hardy",  "honest",  "humble",  "ideal",   "jolly",  "jovial", "joyful",
    "keen",    "kind",    "lively",  "loyal",   "lucid",  "lucky",   "lunar",   "magic",   "mellow", "merry",  "mighty",
    "mild",    "modest",  "neat",    "nimble",  "noble",  "novel",   "open",    "patient", "placid", "plucky", "polite",
    "prime",   "proud",   "prudent", "quick",   "quiet",  "rapid",   "ready",   "robust",  "rosy",   "royal",  "rustic",
    "sage",    "serene",  "sharp",   "shiny",   "silent", "sincere", "smart",   "snug",    "solar",  "solid",  "spry",
    "steady",  "stellar", "still",   "sturdy",  "sunny",  "sure",    "swift",   "tidy",    "trim",   "trusty", "upbeat",
    "vast",    "vivid",   "warm",    "wise",    "witty",  "young",   "zesty",
};
static const char *const nouns[] = {
    "acorn",   "alder",  "anchor",  "apple",  "ash",     "aspen",  "badger", "bamboo",  "basil",  "beacon",  "beaver",
    "birch",   "bison",  "breeze",  "bridge", "brook",   "canyon", "cedar",  "cherry",  "cliff",  "clover",  "cobalt",
    "comet",   "condor", "copper",  "coral",  "crane",   "creek",  "crow",   "cypress", "dahlia", "delta",   "dune",
    "eagle",   "ember",  "falcon",  "fern",   "finch",   "fjord",  "flint",  "forest",  "fox",    "garnet",  "geyser",
    "glacier", "grove",  "gull",    "harbor", "hare",    "hawk",   "hazel",  "heath",   "heron",  "hill",    "iris",
    "island",  "ivy",    "jade",    "jay",    "juniper", "kelp",   "lagoon", "lake",    "larch",  "lark",    "laurel",
    "lemon",   "lichen", "lily",    "linden", "lotus",   "lynx",   "maple",  "marten",  "meadow", "mesa",    "meteor",
    "mint",    "moon",   "moss",    "nebula", "oak",     "oasis",  "ocean",  "olive",   "onyx",   "opal",    "orchid",
    "osprey",  "otter",  "owl",     "pebble", "pine",    "planet", "plum",   "pond",    "poplar", "prairie", "quartz",
    "quasar",  "rain",   "raven",   "reed",   "reef",    "ridge",  "river",  "robin",   "rowan",  "sage",    "salmon",
    "sequoia", "shore",  "sparrow", "spruce", "star",    "stork",  "swan",   "thistle", "tiger",  "topaz",   "trout",
    "tulip",   "tundra", "valley",  "violet", "walnut",  "wave",   "willow", "wolf",    "wren",   "yarrow",  "zephyr",
};

mlplat_status mlp_run_name_make(char out[21], mlplat_error *err)
{
    char hex[33];
    mlplat_status s = mlp_random_hex(hex, err);
    if (s != MLPLAT_OK)
        return s;
    hex[8] = 0; /* 32 random bits: a name need not be unique */
    unsigned long bits = strtoul(hex, NULL, 16);
    const char *predicate = predicates[bits % (sizeof predicates / sizeof predicates[0])];
    const char *noun = nouns[(bits >> 8) % (sizeof nouns / sizeof nouns[0])];
    snprintf(out, 21, "%.7s-%.7s-%lu", predicate, noun, (bits >> 18) % 1001);
    return MLPLAT_OK;
}
