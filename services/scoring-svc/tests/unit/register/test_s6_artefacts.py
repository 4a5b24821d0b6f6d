"""S6: what is loaded is what was approved, to the byte."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scoring_svc.register.artefacts import pack, unpack
from scoring_svc.training.artefact import UnreadableModel
from scoring_svc.training.model import train
from scoring_svc.training.table import Table


def test_s6_an_artefact_with_another_digest_than_the_approved_one_is_not_loaded() -> None:
    draws = np.random.default_rng(1)
    table = Table({"acts_90": draws.normal(10, 3, 120)})
    model = train(table, table.columns["acts_90"] + draws.normal(0, 3, 120) > 10)
    artefact = pack(model)
    assert np.array_equal(unpack(artefact, artefact.digest).log_odds(table), model.log_odds(table))
    text = json.loads(artefact.text)
    forged = replace(artefact, text=json.dumps({**text, "base": text["base"] + 1}))
    assert unpack(forged, forged.digest).base == model.base + 1, "nothing else would notice"
    assert forged.digest != artefact.digest
    with pytest.raises(UnreadableModel):
        unpack(forged, artefact.digest)
