"""Aggregation: how much belief each label of each item deserves, given the votes. One file per method.

A method is a function of votes, settings and the annotators' measured accuracy. It returns a matrix of items by labels
with values from 0 to 1; a row is all zero where nobody voted. `majority.winners` turns beliefs into labels.
"""

#: Choices of `aggregation.method`. "expert" lets only unanimity decide, which counting votes finds as well.
METHODS = {
    "auto": "builder.quality.aggregation.believe:auto",
    "majority": "builder.quality.aggregation.majority:majority",
    "dawid_skene": "builder.quality.aggregation.dawid_skene:dawid_skene",
    "sequence": "builder.quality.aggregation.sequence:sequence_tags",
    "mace": "builder.quality.aggregation.mace:mace",
    "weighted": "builder.quality.aggregation.majority:weighted",
    "expert": "builder.quality.aggregation.majority:majority",
}

#: Methods that learn about annotators from the votes.
LEARNED = ("dawid_skene", "sequence", "mace")

#: Choices of `aggregation.weigh_by`, for the method "weighted".
WEIGHTS = {
    "given": "builder.quality.aggregation.majority:given",
    "agreement": "builder.quality.aggregation.majority:agreement_weights",
    "questions": "builder.quality.aggregation.majority:questions",
}
