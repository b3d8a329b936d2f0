"""Which tests work in a project, by what they import."""

from gatepost.project.imports import kept_tests

KEPT = {
    "tests/conftest.py": "import pytest\nfrom tests.tools import TOOL\n",
    "tests/tools.py": "TOOL = 1\n",
    "tests/contract/conftest.py": "",
    "tests/contract/answers.py": "",
    "tests/contract/test_a.py": "from tests.contract import answers as given\n",
}


def test_tests_are_kept_with_what_they_import() -> None:
    """Their conftest.py files too, and what those import."""
    assert kept_tests(KEPT) == set(KEPT)


def test_a_test_of_the_inside_of_gatepost_stays_with_what_only_it_needs() -> None:
    """Also where the import stands in a function, or for types alone."""
    foreign = {
        "tests/contract/test_b.py": "def test():\n    from gatepost.gateway.core import ids\n",
        "tests/contract/test_c.py": "from tests.of_gatepost import X\n",
        "tests/of_gatepost.py": "import gatepost.emulator.cli\n",
        "tests/contract/test_d.py": "from tests.fixtures.elsewhere import Y\n",
        "tests/only_for_c.py": "",
    }
    foreign["tests/contract/test_c.py"] += "import tests.only_for_c\n"
    assert kept_tests(KEPT | foreign) == set(KEPT)


def test_a_test_that_names_a_file_of_ours_stays_too() -> None:
    """A project has neither benchmarks nor our fixtures."""
    naming = {
        "tests/contract/test_n.py": 'RUN = ROOT / "benchmarks/cold.py"\n',
        "tests/contract/test_o.py": 'RUN = ROOT / "benchmarks" / "cold.py"\n',
    }
    assert kept_tests(KEPT | naming) == set(KEPT)


def test_what_is_public_of_gatepost_may_be_imported() -> None:
    """A project has it as a package."""
    public = {"tests/contract/test_p.py": "from gatepost.emulator.testing import Gateways\n"}
    assert kept_tests(KEPT | public) == {*KEPT, *public}


def test_tests_stay_whose_fixtures_stay() -> None:
    """A conftest.py that can't go keeps its folder."""
    fixtures = {"tests/contract/conftest.py": "from gatepost.gateway.server import server\n"}
    kept = kept_tests(KEPT | fixtures | {"tests/infra/test_i.py": ""})
    assert kept == {"tests/conftest.py", "tests/tools.py", "tests/infra/test_i.py"}
