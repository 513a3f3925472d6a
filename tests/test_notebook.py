"""``bin/notebook``: what JupyterLab is told, whom it lets in, and what a cell needs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from buildpack import lab
from buildpack.app import App
from buildpack.errors import BuildError
from sparkspace.cluster import mirror, roles
from sparkspace.cluster.signature import SENDER, Key, Request
from sparkspace.code import roots
from sparkspace.errors import ConfigError, LaunchError
from sparkspace.notebook import server

DYNO = {
    "DYNO": "notebook.1",
    "HEROKU_PRIVATE_IP": "10.0.0.41",
    "HEROKU_DNS_APP_NAME": "myapp.app.localspace",
    "SPARKSPACE_SECRET": "the-secret-of-the-cluster",
}
BUCKET = {
    "SPARK_S3_BUCKET_NAME": "my-bucket",
    "SPARK_S3_AWS_ACCESS_KEY_ID": "the-key-of-the-bucket",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY": "its-other-half",
    "SPARK_S3_AWS_REGION": "eu-west-1",
}
VAR = "SPARKSPACE_DYNAMIC_ALLOCATION"


def place(**env: str) -> roles.Place:
    return roles.Place.from_env({**DYNO, **env})


# What it is started with


def test_it_listens_where_the_web_process_looks() -> None:
    told = server.config(place())["ServerApp"]
    assert (told["ip"], told["port"], told["port_retries"], told["base_url"]) == ("10.0.0.41", 8888, 0, "/notebook/")
    behind = place(SPARK_REVERSE_PROXY_URL="https://example.com/a/spark/")
    assert server.config(behind)["ServerApp"]["base_url"] == "/a/spark/notebook/"


def test_notebooks_are_objects_of_the_bucket() -> None:
    told = server.config(place(**BUCKET))
    store = told["S3ContentsManager"]
    assert told["ServerApp"]["contents_manager_class"] == "s3contents.S3ContentsManager"
    assert (store["bucket"], store["prefix"]) == ("my-bucket", "sparkspace-notebooks")
    assert store["endpoint_url"] == "https://s3.eu-west-1.amazonaws.com"
    own = place(**BUCKET, SPARKSPACE_S3_ENDPOINT="http://store:9000", SPARKSPACE_NOTEBOOKS_DIR="s3a://other/a/b")
    store = server.config(own)["S3ContentsManager"]
    assert (store["bucket"], store["prefix"], store["endpoint_url"]) == ("other", "a/b", "http://store:9000")


@pytest.mark.parametrize("env", [{}, {**BUCKET, "SPARKSPACE_NOTEBOOKS_DIR": "file:/data/my%20notebooks"}])
def test_notebooks_on_a_disk(env: dict[str, str]) -> None:
    here = place(**env)
    told = server.config(here)
    folder = Path("/data/my notebooks") if env else Path.cwd() / "notebooks"
    assert (told["ServerApp"]["root_dir"], server.folder(here)) == (str(folder), folder)
    assert "S3ContentsManager" not in told and mirror.of(here.settings, folder) is None


def test_no_secret_is_in_a_file_or_an_argument() -> None:
    lab_ = server.launched(place(**BUCKET), ["--debug"])
    shown = json.dumps([lab_.files, lab_.argv])
    for secret in (DYNO["SPARKSPACE_SECRET"], BUCKET["SPARK_S3_AWS_ACCESS_KEY_ID"], "its-other-half"):
        assert secret not in shown
    assert lab_.env["AWS_SECRET_ACCESS_KEY"] == "its-other-half"
    assert lab_.argv[-1] == "--debug"


@pytest.mark.parametrize(("value", "kept"), [("", "tracking"), ("false", "tracking"), ("true", "true")])
def test_idle_notebooks_give_their_executors_back(value: str, kept: str) -> None:
    assert server.environment(place(**{VAR: value}))[VAR] == kept


def test_a_kernel_gets_no_conf_of_the_server() -> None:
    env = server.environment(place(SPARK_CONF_DIR="/x", SPARK_HEROKU_ACCESS_TOKEN="t" * 30))
    assert not {"SPARK_CONF_DIR", "SPARK_HEROKU_ACCESS_TOKEN"} & env.keys()


def test_the_kernel_is_described() -> None:
    spec = json.loads((server.OURS / "kernels" / server.KERNEL / "kernel.json").read_text())
    assert "--ext=sparkspace.code.kernel" in spec["argv"]
    assert spec["metadata"]["supported_encryption"] == ["curve"]  # which the server insists on


def test_packages_in_a_folder_of_their_own_are_found(tmp_path: Path) -> None:
    assert set(server.places(tmp_path)) == {"JUPYTER_PATH", "JUPYTER_CONFIG_PATH"}
    (tmp_path / "share" / "jupyter").mkdir(parents=True)
    found = server.places(tmp_path)
    assert found["JUPYTER_PATH"].split(":") == [str(server.OURS), str(tmp_path / "share" / "jupyter")]
    assert found["JUPYTERLAB_DIR"] == str(tmp_path / "share" / "jupyter" / "lab")


# What is refused


def test_without_jupyterlab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LaunchError, match="JupyterLab is not installed") as caught:
        server.launched(place(), [])
    assert "SPARKSPACE_NOTEBOOK=true" in caught.value.cure


def test_a_second_dyno_that_nobody_could_open() -> None:
    with pytest.raises(LaunchError, match=r"This is notebook\.2"):
        server.launched(place(DYNO="notebook.2"), [])
    server.launched(place(DYNO="run.7"), [])


def test_without_a_secret() -> None:
    with pytest.raises(ConfigError, match="SPARKSPACE_SECRET"):
        server.launched(place(SPARKSPACE_SECRET=""), [])


# Whom it lets in


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """Who Jupyter takes a request for."""
    pytest.importorskip("jupyter_server", reason="scripts/setup dev brings JupyterLab")
    from sparkspace.notebook.identity import Signed

    monkeypatch.setenv("SPARKSPACE_SECRET", DYNO["SPARKSPACE_SECRET"])
    provider = Signed()

    def ask(method: str, uri: str, headers: dict[str, str]) -> str | None:
        request = SimpleNamespace(method=method, uri=uri, headers=headers)
        users = [provider.get_user(SimpleNamespace(request=request)) for _ in range(2)]  # a handler may ask again
        assert users[0] == users[1]
        return users[0].username if users[0] else None

    ask.provider = provider  # type: ignore[attr-defined]
    return ask


def test_a_signed_request_gets_in_once(asked: Any) -> None:  # noqa: ANN401
    headers = Key(DYNO["SPARKSPACE_SECRET"], "notebook").headers(Request("GET", "/notebook/lab?a=b", sender="ann"))
    assert asked("GET", "/notebook/lab?a=b", headers) == "ann"
    assert asked("GET", "/notebook/lab?a=b", headers) is None


@pytest.mark.parametrize(
    ("method", "uri", "secret", "serves", "sender"),
    [
        ("POST", "/notebook/lab", DYNO["SPARKSPACE_SECRET"], "notebook", "ann"),
        ("GET", "/notebook/api/kernels", DYNO["SPARKSPACE_SECRET"], "notebook", "ann"),
        ("GET", "/notebook/lab", "the-secret-of-another-cluster", "notebook", "ann"),
        ("GET", "/notebook/lab", DYNO["SPARKSPACE_SECRET"], "class server", "ann"),
        ("GET", "/notebook/lab", DYNO["SPARKSPACE_SECRET"], "notebook", "bob"),
    ],
)
def test_others_do_not(asked: Any, method: str, uri: str, secret: str, serves: str, sender: str) -> None:  # noqa: ANN401
    headers = {**Key(secret, serves).headers(Request("GET", "/notebook/lab", sender="ann")), SENDER: sender}
    assert asked(method, uri, headers) is None


def test_nobody_is_welcome_without(asked: Any) -> None:  # noqa: ANN401
    assert asked("GET", "/notebook/lab", {}) is None
    assert asked("GET", "/notebook/lab?token=", {"Authorization": "token "}) is None
    provider = asked.provider
    assert (provider.token, provider.auth_enabled, provider.get_handlers()) == ("", True, [])


def test_the_desk_signs_what_jupyter_takes(asked: Any, tmp_path: Path) -> None:  # noqa: ANN401
    from sparkspace.proxy.attempts import Attempts
    from sparkspace.proxy.desk import Desk
    from sparkspace.proxy.pages import Pages
    from sparkspace.proxy.seal import Seal

    desk = Desk(None, Attempts(tmp_path), Seal((), "x"), Pages("myapp", ""), DYNO["SPARKSPACE_SECRET"])  # type: ignore[arg-type]
    headers = {"X-Method": "GET", "X-Request": "/notebook/api/status?x=%20", "X-User": "ann"}
    reply = asyncio.run(desk.notebook_pass(SimpleNamespace(headers=headers)))  # type: ignore[arg-type]
    sent = {"Authorization": reply.headers["X-Pass"], SENDER: "ann"}
    assert asked("GET", "/notebook/api/status?x=%20", sent) == "ann"


# What the build does


@pytest.mark.parametrize(("value", "wanted"), [("", False), ("false", False), ("true", True), (" TRUE ", True)])
def test_who_wants_it(value: str, wanted: bool) -> None:
    assert lab.is_wanted({lab.VAR: value}) is wanted


def test_neither_true_nor_false() -> None:
    with pytest.raises(BuildError, match="must be true or false, but it is 'yes'"):
        lab.is_wanted({lab.VAR: "yes"})


def test_it_comes_after_what_the_app_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app moves from the folder of the build to /app, with all that is in it."""

    def fetch(target: Path, requirements: Path, env: object) -> None:
        target.mkdir(parents=True)
        (target / "both.py").write_text("of = 'notebooks'")
        (target / "lab_only.py").write_text("of = 'notebooks'")

    monkeypatch.setattr("buildpack.dependencies.fetch", fetch)
    site = tmp_path / "build" / ".heroku" / "python" / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (site / "both.py").write_text("of = 'the app'")
    lab.install(App(tmp_path / "build", tmp_path / "cache", {}), site, Path(__file__))
    (tmp_path / "build").rename(tmp_path / "app")
    run = (
        "import site; site.addsitedir(sys.argv[1]); import both, lab_only as lab; print(both.of, lab.of, lab.__file__)"
    )
    there = str(site).replace("/build/", "/app/")
    # The folder of a real Python's packages is on its path before any .pth of it is read.
    command = [sys.executable, "-c", f"import sys; sys.path.append({there!r}); {run}", there]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout
    assert said.split()[:3] == ["the", "app", "notebooks"]
    assert roots.is_the_users(str(Path(said.split()[3]).parent)) is False


def test_the_pinned_packages_are_those_of_the_launchers() -> None:
    """They are in one ``site-packages`` in a box, and one process imports both."""

    def pins(name: str) -> set[str]:
        lines = (Path(lab.__file__).parent.parent / name).read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line and line[0].isalnum()}

    assert pins("requirements.txt") <= pins("requirements-notebook.txt")


# What a cell needs


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("spark.range(3)", {"spark"}),
        ("%%time\nsc.parallelize([1])", {"get_ipython", "sc"}),
        ("%time f'{spark.version}'", {"get_ipython", "spark"}),
        ("x = 'spark'  # spark", set()),
        ("spark = 1", set()),
        ("spark = 1\nspark + x", {"x"}),
        ("spark = spark.newSession()\nspark", {"spark"}),
        ("from mine import session as sc\nsc", set()),
        ("def f():\n    return sc", {"sc"}),
        ("import sparkspace", set()),
        ("def (", set()),
    ],
)
def test_names_of_a_cell(cell: str, found: set[str]) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    from sparkspace.code.kernel import names

    assert set(names(TransformerManager(), cell)) == found
