"""Aggregation: how much belief each label of each item deserves, given the votes. One file per method.

A method is a function of votes, settings and the annotators' measured accuracy. It returns a matrix of items by labels
with values from 0 to 1; a row is all zero where nobody voted. `majority.winners` turns beliefs into labels.
"""

#: Choices of `aggregation.method`. "expert" lets only unanimity decide, which counting votes finds as well.
METHODS = {
    "auto": "aggregation.believe:auto",
    "majority": "aggregation.majority:majority",
    "dawid_skene": "aggregation.dawid_skene:dawid_skene",
    "sequence": "aggregation.sequence:sequence_tags",
    "mace": "aggregation.mace:mace",
    "weighted": "aggregation.weighted:weighted",
    "expert": "aggregation.majority:majority",
}

#: Choices of `aggregation.weigh_by`, for the method "weighted".
WEIGHTS = {
    "given": "aggregation.weighted:given",
    "agreement": "aggregation.weighted:agreement_weights",
    "questions": "aggregation.weighted:questions",
}
