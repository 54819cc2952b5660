"""What would be lost or altered of a file of training data, and where, before anybody trains on it.

finding  what was found: how many, the first places; kinds  what each kind means
reading  a file read by the stage that knows it: records, and rejects as findings
values   values that a careless reader alters: types that change, words for nothing, numbers
texts    broken encodings, signs that end lines, answers that are missing, orders of roles
alike    duplicates, different answers to one question, what train and validation share
masks    records of which no token would be learned, by a model's template
tool     `seedbed check`
"""
