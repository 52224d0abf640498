"""From a log to the cause: reader -> hits -> facts and candidates -> explanation -> text.

``signatures/`` says what lines mean, ``causes/`` what may be the case and what mends it; both are
data. Where a rule exists for a cause, the rule owns its words and fixes as soon as the log names
the versions that the rule needs.
"""
