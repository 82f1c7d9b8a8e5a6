"""Search by number (http://hl7.org/fhir/R4/search.html#number)."""

from tests.spec.language import Chapter, Row


def _risk(probability: object) -> dict[str, object]:
    return {
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "prediction": [{"probabilityDecimal": probability}]
        if probability is not None
        else [{"qualitativeRisk": {"text": "low"}}],
    }


CHAPTER = Chapter(
    title="Searching by number",
    text="""
The digits of the asked number tell its precision: `100` is everything from 99.5 to 100.5, `100.00` from 99.995 to
100.005. The comparing prefixes mean the number itself.
""",
    resources={
        "RiskAssessment/a": _risk(0.5),
        "RiskAssessment/b": _risk(0.54),
        "RiskAssessment/c": _risk(0.55),
        "RiskAssessment/d": _risk(0.9),
        "RiskAssessment/e": _risk(None),
        "RiskAssessment/f": _risk(5),
        "RiskAssessment/g": _risk(-0.5),
    },
    cases=[
        Row("GET RiskAssessment?probability=0.5", "a b", "from 0.45 to 0.55, without 0.55 itself"),
        Row("GET RiskAssessment?probability=0.50", "a", "from 0.495 to 0.505"),
        Row("GET RiskAssessment?probability=0.54", "b"),
        Row("GET RiskAssessment?probability=gt0.5", "b c d f"),
        Row("GET RiskAssessment?probability=ge0.5", "a b c d f"),
        Row("GET RiskAssessment?probability=lt0.54", "a g"),
        Row("GET RiskAssessment?probability=le0.54", "a b g"),
        Row("GET RiskAssessment?probability=ne0.5", "c d f g"),
        Row("GET RiskAssessment?probability=gt0.5&probability=lt0.9", "b c"),
        Row("GET RiskAssessment?probability=0.9,5", "d f"),
        Row("GET RiskAssessment?probability=-0.5", "g"),
        Row("GET RiskAssessment?probability=5e-1", "a b", "another way to write 0.5"),
        Row("GET RiskAssessment?probability:missing=true", "e"),
        Row("GET RiskAssessment?probability=much", "Incorrect"),
    ],
)
