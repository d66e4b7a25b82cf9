"""Mistakes that both checkers must find: a line with one says which call is wrong."""

import mlplat

ml = mlplat.open(durability="often")  # wrong: no such level
run = ml.run(5)  # wrong: a name is text
run.log(0.5, "loss")  # wrong: the other way round
run.end("DONE")  # wrong: no such status
ml.registry.register("fraud")  # wrong: without a source
ml.no_such_thing()  # wrong: there is none
