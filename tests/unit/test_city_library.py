"""Cities by name."""

import pytest

from tests.unit.test_city_bundle import older
from twin.city import library
from twin.city.bundle import save_city
from twin.city.library import get_city, list_cities, store_city
from twin.city.model import City, Meta
from twin.core.errors import InputError, NotFoundError
from twin.network.generate import grid


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))


def city(name):
    return City(meta=Meta(name=name, title={"en": name}, timezone="UTC"), network=grid(2, 2))


def test_stored_city_by_name_and_by_folder():
    folder = store_city(city("mine"))
    assert get_city("mine").meta.name == "mine"
    assert get_city(folder).meta.name == "mine"
    entry = next(entry for entry in list_cities() if entry.name == "mine")
    assert (entry.origin, entry.folder, entry.title) == ("imported", folder, {"en": "mine"})


def test_unknown_name_tells_the_known_ones():
    with pytest.raises(NotFoundError, match=r"no city 'atlantis'.*seoul-core"):
        get_city("atlantis")


def test_recipe_tells_its_command():
    with pytest.raises(NotFoundError, match="twin city build san-francisco"):
        get_city("san-francisco")


@pytest.fixture
def built(monkeypatch):
    """Return the builds of Seoul, (whether the core, who is told), which take no time."""
    builds = []

    class Module:
        @staticmethod
        def build_seoul(*, core, progress):
            builds.append((core, progress))
            return city("seoul-core")

    monkeypatch.setattr(library, "import_module", lambda _name: Module)
    return builds


def test_builtin_is_built_once_and_again_after_damage(built):
    said = []
    assert get_city("seoul-core", progress=said.append).meta.built_by.startswith("twin.city.seoul")
    assert get_city("seoul-core").meta.name == "seoul-core"
    assert [core for core, _ in built] == [True]
    assert "once" in said[0]
    for file in (library.city_home() / "seoul-core").glob("network_links-*"):
        file.write_bytes(b"rubbish")
    said.clear()
    get_city("seoul-core", progress=said.append)
    assert len(built) == 2
    assert "damaged" in said[0]
    # A city that older code has drawn is drawn again.
    old = city("seoul-core")
    old.meta = old.meta.model_copy(update={"built_by": "twin.city.seoul before"})
    save_city(old, library.city_home() / "seoul-core")
    said.clear()
    stored = get_city("seoul-core", progress=said.append, renew=False)
    assert stored.meta.built_by == "twin.city.seoul before"
    assert len(built) == 2
    assert said == ["the city 'seoul-core' was built with another version of Twin; taken as stored"]
    said.clear()
    get_city("seoul-core", progress=said.append)
    assert len(built) == 3
    assert "another version of Twin; building it again" in said[0]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("seoul-downtown", "run: twin city build seoul-downtown$"),
        ("mine", "import it again: twin city import --help, --name mine$"),
    ],
)
def test_a_city_of_an_older_version_tells_how_to_build_it_again(name, how):
    folder = store_city(city(name))
    older(folder)
    for called in (name, folder):
        with pytest.raises(InputError, match=f"older version of Twin.*{how}"):
            get_city(called)


def test_a_copy_of_an_older_city_tells_to_name_the_city(tmp_path):
    for name, how in (
        ("seoul-core", "name the city seoul-core, which builds itself again"),
        ("san-francisco", "run: twin city build san-francisco, and name the city san-francisco"),
    ):
        save_city(city(name), tmp_path / name)
        older(tmp_path / name)
        with pytest.raises(InputError, match=how):
            get_city(tmp_path / name)


def test_a_builtin_of_an_older_version_is_built_again_by_itself(built):
    said = []
    get_city("seoul-core")
    older(library.city_home() / "seoul-core")
    get_city("seoul-core", progress=said.append, renew=False)
    assert len(built) == 2
    assert said == [
        "the city 'seoul-core' was built with another version of Twin; building it again"
    ]


def test_a_builtin_is_built_again_once_a_process(built, monkeypatch, tmp_path):
    get_city("seoul-core")
    # Somebody puts in a new version while a comparison goes on.
    (tmp_path / "code").mkdir()
    monkeypatch.setattr(library.twin.city, "__path__", [str(tmp_path / "code")])
    get_city("seoul-core")
    assert len(built) == 1


def test_damaged_city_is_listed_as_damaged():
    folder = store_city(city("mine"))
    (folder / "city.toml").write_text("format = 0")
    store_city(city("other"))
    entries = {entry.name: entry for entry in list_cities()}
    assert entries["mine"].title["en"].startswith("damaged")
    assert entries["other"].title == {"en": "other"}


def test_builtin_names_are_taken():
    with pytest.raises(InputError, match="belongs to a built-in city"):
        store_city(city("seoul"))


def test_list_holds_what_can_be_built():
    entries = {entry.name: entry for entry in list_cities()}
    assert entries["seoul"].synthesised
    assert entries["seoul"].folder is None
    assert entries["san-francisco"].origin == "recipe"
