"""Which steps a policy means."""

from collections.abc import Iterable

from contracts.definitions import StepDefinition
from contracts.policies import StepSelector


def is_among(selectors: Iterable[StepSelector], playbook_code: str, step: StepDefinition) -> bool:
    """`playbook_code` is the smart code of the step's playbook."""
    return any(_fits(selector, playbook_code, step) for selector in selectors)


def _fits(selector: StepSelector, playbook_code: str, step: StepDefinition) -> bool:
    return (
        (selector.playbook is None or _begins(playbook_code, selector.playbook))
        and (selector.smart_code is None or _begins(step.smart_code or "", selector.smart_code))
        and selector.name in (None, step.name)
        and selector.step_type in (None, step.step_type)
    )


def _begins(code: str, segments: str) -> bool:
    """With whole segments: HERA.FIN begins HERA.FIN.LOAN.v1 and not HERA.FINANCE.LOAN.v1."""
    return f"{code}.".startswith(f"{segments}.")
