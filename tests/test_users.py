"""Who may see the pages: every form of ``SPACE_PROXY_BASIC_AUTH``, as we read it and as a real nginx does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sparkspace.config import User
from sparkspace.config.users import NOTORIOUS, refuse_unusable, users
from sparkspace.errors import ConfigError

from . import real_nginx

VAR = "SPACE_PROXY_BASIC_AUTH"
PASSWORD = "correct horse"
# Made by openssl and by crypt(3), with salts that anybody can type.
HASHES = {
    "sha": "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "ssha": "{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0",
    "apr1": "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/",
    "md5": "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80",
    "sha256": "$5$rounds=1000$abcdefgh$ue35C0ITbth1b5zVUjrjm2mMmsmMKiodEeH2UV/Hq10",
    "sha512": "$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
    "bcrypt": "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "yescrypt": "$y$j75$abcdefghijklmnop$1kKL1r02wT4HlcktLfzeoOHd1GFgv7Ay4JeEbqGj80B",
}
PLAIN = {
    "plain": PASSWORD,
    "colon": "a:b::",
    "strange": "{SHA}$apr1$#é日本 \"'\\",
    "short": "x",
    "long": "0123456789" * 20,
}
GENERATED = "3f" * 32  # what the Deploy button's generator makes
OF_SPACE = [
    "{PLAIN}space",
    "{SHA}CAPfT/FlCTPS/+a+BNSyFDITQlI=",
    "{SSHA}GSXfHpUkuGSzTBKDB/r71mjtPaRzYWx0",
    "$1$abcdefgh$OrOLNecS7zSyucz6aUfxQ.",
    "$6$abcdefgh$fAbGzAHNhBHjslutdbKKVuLR6QJxd0/5OwYP.NdxmahioJeqRSZPU3YGD3SeQmpp3Onf1PE3rwasurZSAP1rg/",
    "$2y$04$abcdefghijklmnopqrstuuxgIzXsLdeTXQp5UsrY4wOl7SAJYgsp2",
    "$y$j75$abcdefghijklmnop$Xk1L3C3WVX2lC4Ago5M0hNiJXfdHUO/YLK5iS7TfOI9",
]


def read(value: str) -> tuple[User, ...]:
    return users({VAR: value})


@pytest.mark.parametrize(("name", "check"), HASHES.items())
def test_hash_is_taken_as_it_is(name: str, check: str) -> None:
    assert read(f" {name}:{check}\n") == (User(name, check),)
    assert User(name, check).line() == f"{name}:{check}\n"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", ()),
        (" \n\r\n ", ()),
        ("spark:{PLAIN}x", (User("spark", "{PLAIN}x"),)),
        ("spark:{PLAIN}a:b", (User("spark", "{PLAIN}a:b"),)),
        ("spark:{PLAIN}a b ", (User("spark", "{PLAIN}a b"),)),
        ("spark:{PLAIN}spaces", (User("spark", "{PLAIN}spaces"),)),
        (GENERATED, (User("spark", "{PLAIN}" + GENERATED),)),
        (f"  {GENERATED}\n", (User("spark", "{PLAIN}" + GENERATED),)),
        ("0123456789abcde!", (User("spark", "{PLAIN}0123456789abcde!"),)),
        (
            f"ann:{{PLAIN}}x\r\n\n  bob:{HASHES['apr1']}\n{GENERATED}\n",
            (User("ann", "{PLAIN}x"), User("bob", HASHES["apr1"]), User("spark", "{PLAIN}" + GENERATED)),
        ),
        ("a@b.c:{PLAIN}x", (User("a@b.c", "{PLAIN}x"),)),
    ],
)
def test_users(value: str, found: tuple[User, ...]) -> None:
    assert read(value) == found


FORM = (
    f"{VAR} must be user:{{PLAIN}}password or user:HASH ({{SSHA}}, {{SHA}}, apr1, or one of crypt(3)), a line each, "
    "or a password of at least 16 characters alone (what it is is not shown here)."
)
UNKNOWN = f"{VAR} has a hash that this system's crypt(3), which nginx asks, does not know."
KNOWN_TO_ALL = f"{VAR} must not have the password of spark-in-space's README, which all know."


@pytest.mark.parametrize(
    "value",
    [
        "hunter2", "hunter2hunter2!", "hunter2 hunter2 hunter2", "hunter2hunter2-é", "spark:hunter2", "spark:",
        "spark:{PLAIN}", ":{PLAIN}hunter2", "two words:{PLAIN}hunter2", "é:{PLAIN}hunter2", "#spark:{PLAIN}hunter2",
        "u" * 65 + ":{PLAIN}hunter2", "spark:{plain}hunter2", "spark:{PLAIN}hunter2\x07", "spark:{PLAIN}hun\x7fter2",
        "spark:{PLAIN}good\nhunter2", "spark:{MD5}hunter2", "spark:{SHA}hunter2", "spark:{SHA}" + "A" * 28,
        "spark:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A", "spark:{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "spark:{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=AAAA", "spark:$apr1$abcdefghi$sIQmFnT1CuEXAsyjuXjUX/",
        "spark:$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX", "spark:$apr1$$sIQmFnT1CuEXAsyjuXjUX/", "spark:$6$hunter2",
        "spark:$3$hunter2hunter2", "spark:$6$hunter2:hunter2hunter2", "spark:$6$hunter2hunter2 ä",
        "spark:abJnggxhB/yWI",
    ],
)  # fmt: skip
def test_other_form_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(value)
    assert caught.value.message == FORM
    assert caught.value.cure == f"Set it with: heroku config:set {VAR}=spark:{{PLAIN}}$(openssl rand -hex 16)"


def test_hash_that_crypt_does_not_know_is_refused() -> None:
    """By the web process alone: crypt(3) may take a second, and every launcher reads the config vars."""
    found = read("spark:$2y$99$hunter2hunter2hunter2")
    with pytest.raises(ConfigError) as caught:
        refuse_unusable(found)
    assert caught.value.message == UNKNOWN


@pytest.mark.parametrize("check", OF_SPACE)
@pytest.mark.parametrize("value", ["spark:{}", "ann:{{PLAIN}}x\nbob:{}"])
def test_password_of_a_public_readme_is_refused(value: str, check: str) -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_unusable(read(value.format(check)))
    assert caught.value.message == KNOWN_TO_ALL


@pytest.mark.parametrize("check", [*(f"{{PLAIN}}{password}" for password in PLAIN.values()), *HASHES.values()])
def test_other_passwords_are_not_taken_for_it(check: str) -> None:
    assert not User("spark", check).takes(NOTORIOUS)
    if check.startswith(("{S", "$")) and not check.startswith("$apr1$"):
        assert User("spark", check).takes(PASSWORD)


@pytest.mark.parametrize("password", PLAIN.values())
def test_line_holds_no_plain_password(password: str) -> None:
    user = User("spark", f"{{PLAIN}}{password}")
    lines = {user.line(), user.line()}
    assert len(lines) == 2, "the salt is another one each time"
    assert [line for line in lines if not re.fullmatch(r"spark:\{SSHA\}[A-Za-z0-9+/]{48}\n", line)] == []
    assert User("spark", user.line().strip().partition(":")[2]).takes(password)


def test_user_twice_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        read("ann:{PLAIN}one\nbob:{PLAIN}two\nann:{PLAIN}three")
    assert caught.value.message == f"{VAR} must not have a user twice (ann): nginx takes the first."


def test_user_does_not_print_his_check() -> None:
    assert repr(read("spark:{PLAIN}hunter2")) == "(User(name='spark'),)"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real nginx whose users are all of the table."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "index.html").touch()
    value = "\n".join([*(f"{n}:{c}" for n, c in HASHES.items()), *(f"{n}:{{PLAIN}}{p}" for n, p in PLAIN.items())])
    (folder / "users").write_text("".join(user.line() for user in read(f"{value}\n{GENERATED}")))
    with real_nginx.running(folder, f"root {folder}; auth_basic x; auth_basic_user_file {folder}/users;") as port:
        yield port


PASSWORDS = {**dict.fromkeys(HASHES, PASSWORD), **PLAIN, "spark": GENERATED}


@pytest.mark.parametrize(("name", "password"), PASSWORDS.items())
def test_nginx_takes_the_line(port: int, name: str, password: str) -> None:
    assert real_nginx.status(port, headers=real_nginx.basic(name, password)) == 200
    wrong = [password[:-1], password + "x", password.upper() + "X", "", "space", (HASHES | PLAIN).get(name, "") + "x"]
    assert {real_nginx.status(port, headers=real_nginx.basic(name, each)) for each in wrong} == {401}


def test_nginx_lets_nobody_else_in(port: int) -> None:
    assert real_nginx.status(port) == 401
    assert real_nginx.status(port, headers=real_nginx.basic("nobody", PASSWORD)) == 401
