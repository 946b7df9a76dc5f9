"""Who may see and do what: the door, sessions, tokens, passwords, the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import SIGNED_IN, Program, program
from fastapi.testclient import TestClient

from ioc.accounts.model import AccountError, Role, UnknownAccount
from ioc.accounts.store import DAY, HOUR, Accounts
from ioc.api.door import COOKIE, OPEN, csrf_of, needs

PASSWORD = "sáng nay trời xanh"
HOST = "http://127.0.0.1"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def accounts(running: Program) -> Accounts:
    return running.context.accounts


@pytest.fixture
def stranger(running: Program) -> Iterator[TestClient]:
    with TestClient(running.app, base_url=HOST, follow_redirects=False) as made:
        yield made


def sign_in(running: Program, role: Role) -> TestClient:
    """A browser in which somebody with this role is signed in."""
    secret = running.session(f"the {role}", role)
    return TestClient(running.app, base_url=HOST, follow_redirects=False, cookies={COOKIE: secret})


def described(running: Program) -> Iterator[tuple[str, str]]:
    """Every method and path of the API, and of the pages."""
    for path, item in running.app.openapi()["paths"].items():
        for method in item:
            yield method.upper(), re.sub(r"\{[^}]*\}", "1", path)
    for path in ("/", "/sites/yen-thinh", "/console", "/console/maintenance", "/account",
                 "/console/users", "/console/audit", "/api/docs", "/api/openapi.json",
                 "/console/incidents/1"):  # fmt: skip
        yield "GET", path
    for path in ("/console/incidents/1/acknowledge", "/console/maintenance", "/console/users",
                 "/console/users/x/out", "/account", "/logout"):  # fmt: skip
        yield "POST", path


# --- the door: every route, every role


def test_everything_is_closed_but_what_is_open(running: Program, stranger: TestClient) -> None:
    routes = list(described(running))
    assert len(routes) > 40
    for method, path in routes:
        status = stranger.request(method, path).status_code
        if path in OPEN:
            assert status != 401, (method, path)
        else:
            assert status == 401, (method, path)


def test_a_route_that_nobody_thought_of_is_closed(running: Program) -> None:
    running.app.get("/new")(lambda: "secret")
    running.app.post("/api/v1/new")(lambda: "done")
    with TestClient(running.app, base_url=HOST) as client:
        assert client.get("/new").status_code == 401
        assert client.post("/api/v1/new").status_code == 401
    viewer = sign_in(running, Role.VIEWER)
    assert viewer.get("/new").status_code == 200
    csrf = {"X-CSRF-Token": csrf_of(viewer.cookies[COOKIE])}
    assert viewer.post("/api/v1/new", headers=csrf).status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_the_table_says(running: Program, role: Role) -> None:
    client = sign_in(running, role)
    headers = {"X-CSRF-Token": csrf_of(client.cookies[COOKIE]), "Origin": HOST}
    for method, path in described(running):
        if path in ("/logout", "/account", "/healthz", "/readyz"):
            continue
        status = client.request(method, path, headers=headers).status_code
        if role.may(needs(method, path)):
            assert status not in (401, 403), (method, path, status)
        else:
            assert status == 403, (method, path, status)


def test_the_table_of_roles() -> None:
    assert needs("GET", "/api/v1/incidents") is Role.VIEWER
    assert needs("POST", "/api/v1/incidents/1/acknowledge") is Role.OPERATOR
    assert needs("GET", "/api/v1/audit") is Role.ADMIN
    assert needs("GET", "/api/v1/users") is Role.ADMIN
    assert needs("GET", "/api/v1/users-of-something") is Role.VIEWER
    assert needs("POST", "/account") is Role.VIEWER
    assert needs("DELETE", "/api/v1/tokens/1") is Role.ADMIN


def test_pages_lead_to_the_sign_in_page_and_back(stranger: TestClient) -> None:
    answer = stranger.get("/sites/yen-thinh?lang=en", headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/sites/yen-thinh%3Flang%3Den"
    refused = stranger.get("/api/v1/sites")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


def test_live_channels_are_closed(running: Program, stranger: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    for path in ("/live", "/api/v1/ws"):
        with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(path):
            pass
        with sign_in(running, Role.VIEWER).websocket_connect(path) as socket:
            assert socket.receive_text()


# --- signing in


def enter(client: TestClient, name: str, password: str, **more: str):
    return client.post("/login", data={"name": name, "password": password, **more})


def test_the_first_admin_is_made_with_a_link_that_works_once(
    accounts: Accounts, stranger: TestClient
) -> None:
    secret = accounts.create_link()
    assert stranger.get(f"/setup/{secret}").status_code == 200
    form = {"name": "Nguyễn An", "password": PASSWORD, "again": PASSWORD}
    assert stranger.post(f"/setup/{secret}", data=form | {"again": "x"}).status_code == 422
    assert stranger.post(f"/setup/{secret}", data=form).status_code == 303
    assert stranger.get("/", headers=PAGE).status_code == 200, "signed in at once"
    assert stranger.post(f"/setup/{secret}", data=form).status_code == 404
    assert accounts.users()[0].role is Role.ADMIN


def test_a_link_ends_after_a_day_and_by_a_newer_one(running: Program, accounts: Accounts) -> None:
    old = accounts.create_link()
    new = accounts.create_link()
    with pytest.raises(UnknownAccount):
        accounts.use_link(old, "an", PASSWORD)
    running.clock.step = DAY / 1000
    with pytest.raises(UnknownAccount):
        accounts.use_link(new, "an", PASSWORD)
    assert accounts.users() == []


def test_a_link_that_was_left_over_makes_no_second_admin(accounts: Accounts) -> None:
    secret = accounts.create_link()
    accounts.add("an", Role.ADMIN, PASSWORD)
    with pytest.raises(UnknownAccount):
        accounts.use_link(secret, "thief", PASSWORD)


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(
    accounts: Accounts, stranger: TestClient
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    answer = enter(stranger, "AN", PASSWORD)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert stranger.get("/api/v1/me").json() == {"name": "an", "role": "viewer", "via": "session"}


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(
    running: Program, accounts: Accounts
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    with TestClient(running.app, base_url="https://127.0.0.1", follow_redirects=False) as client:
        cookie = enter(client, "an", PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-ioc=")
    assert "Secure" in cookie


def test_a_wrong_password_says_not_which_part_is_wrong(
    accounts: Accounts, stranger: TestClient
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    texts = [enter(stranger, name, "nhầm rồi nhé").text for name in ("an", "nobody")]
    assert all("tên hoặc mật khẩu không đúng" in text for text in texts)


def test_many_wrong_passwords_lock_the_account_for_a_while(
    running: Program, accounts: Accounts
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    for _ in range(6):
        with pytest.raises(AccountError):
            accounts.authenticate("an", "nhầm rồi nhé")
    with pytest.raises(AccountError, match="quá nhiều"):
        accounts.authenticate("an", PASSWORD)
    running.clock.seconds += 16 * 60
    assert accounts.authenticate("an", PASSWORD).name == "an"


def test_guessing_names_from_one_address_ends_soon(
    accounts: Accounts, stranger: TestClient
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    codes = [enter(stranger, f"user{n}", "nhầm rồi nhé").status_code for n in range(31)]
    assert codes == [403] * 30 + [429]
    assert enter(stranger, "an", PASSWORD).status_code == 429


def test_a_lock_from_a_clock_that_was_ahead_holds_nobody(
    running: Program, accounts: Accounts
) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    running.clock.step = 10 * 86_400
    for _ in range(6):
        with pytest.raises(AccountError):
            accounts.authenticate("an", "nhầm rồi nhé")
    running.clock.step = 0
    assert accounts.authenticate("an", PASSWORD).name == "an"


def test_next_never_leads_elsewhere(accounts: Accounts, stranger: TestClient) -> None:
    accounts.add("an", Role.VIEWER, PASSWORD)
    for wanted in ("https://evil.vn", "//evil.vn", "/\\evil.vn", "javascript:x", "/\tx"):
        answer = stranger.post("/login", params={"next": wanted},
                               data={"name": "an", "password": PASSWORD})  # fmt: skip
        assert answer.headers["location"] == "/", wanted


def test_guessing_tokens_from_one_address_ends_soon(running: Program, stranger: TestClient) -> None:
    secret, _ = running.context.accounts.create_token("telegraf", Role.VIEWER, "an", 1)
    for number in range(30):
        wrong = {"Authorization": f"Bearer ioc_{number}"}
        assert stranger.get("/api/v1/me", headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {secret}"}
    assert stranger.get("/api/v1/me", headers=right).status_code == 401
    assert stranger.get("/api/v1/me", headers=SIGNED_IN).status_code == 200, "this machine's own"


# --- sessions end


def test_sessions_end_by_idleness_and_age(running: Program, accounts: Accounts) -> None:
    secret = running.session()
    running.clock.seconds += 11 * HOUR / 1000
    assert accounts.by_session(secret) is not None
    running.clock.seconds += 13 * HOUR / 1000
    assert accounts.by_session(secret) is None
    secret = running.session()
    for _ in range(70):
        running.clock.seconds += 11 * HOUR / 1000
        accounts.by_session(secret)
    assert accounts.by_session(secret) is None


def test_a_screen_on_a_wall_stays_signed_in(running: Program, accounts: Accounts) -> None:
    accounts.add("wall", Role.VIEWER)
    secret = accounts.open_session("wall", "", "", screen=True)
    running.clock.seconds += 300 * DAY / 1000
    assert accounts.by_session(secret) is not None


def test_who_is_let_out_is_out_everywhere(running: Program, accounts: Accounts) -> None:
    accounts.add("boss", Role.ADMIN, PASSWORD)
    secret = running.session("binh", Role.OPERATOR)
    accounts.change("binh", enabled=False)
    assert accounts.by_session(secret) is None
    with pytest.raises(AccountError):
        accounts.authenticate("binh", PASSWORD)


def test_a_new_password_ends_every_session(running: Program, accounts: Accounts) -> None:
    secret = running.session("binh")
    accounts.set_password("binh", PASSWORD)
    assert accounts.by_session(secret) is None


def test_signing_out_ends_the_session(running: Program) -> None:
    client = sign_in(running, Role.VIEWER)
    secret = client.cookies[COOKIE]
    assert client.post("/logout", data={"csrf": csrf_of(secret)}).status_code == 303
    assert running.context.accounts.by_session(secret) is None


# --- forms from elsewhere


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": csrf_of("another")}],
)
def test_a_change_needs_the_token_of_the_session(running: Program, headers: dict[str, str]) -> None:
    client = sign_in(running, Role.ADMIN)
    body = {"text": "x", "ends_at": "2030-01-01T00:00:00Z"}
    assert client.post("/api/v1/maintenance", json=body, headers=headers).status_code == 403
    assert client.post("/console/maintenance", data={"text": "x"}).status_code == 403


@pytest.mark.parametrize(
    "elsewhere", [{"Origin": "http://evil.vn"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_change_from_another_site_is_refused(running: Program, elsewhere: dict[str, str]) -> None:
    client = sign_in(running, Role.ADMIN)
    right = {"X-CSRF-Token": csrf_of(client.cookies[COOKIE])}
    body = {"text": "x", "ends_at": "2030-01-01T00:00:00Z"}
    answer = client.post("/api/v1/maintenance", json=body, headers=right | elsewhere)
    assert answer.status_code == 403
    assert client.post("/api/v1/maintenance", json=body, headers=right).status_code == 201


def test_a_form_is_read_once_by_the_door_and_once_by_the_page(running: Program) -> None:
    client = sign_in(running, Role.OPERATOR)
    form = {"csrf": csrf_of(client.cookies[COOKIE]), "text": "thay cáp quang",
            "starts_at": "2026-02-02T09:00", "ends_at": "2026-02-02T20:00"}  # fmt: skip
    assert client.post("/console/maintenance", data=form).status_code == 303
    assert "thay cáp quang" in client.get("/console/maintenance").text


def test_tokens_need_no_form(running: Program, stranger: TestClient) -> None:
    secret, token = running.context.accounts.create_token("x", Role.OPERATOR, "an", 1)
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"text": "x", "ends_at": "2030-01-01T00:00:00Z"}
    assert stranger.post("/api/v1/maintenance", json=body, headers=headers).status_code == 201
    running.context.accounts.revoke_token(token.id)
    assert running.context.accounts.by_token(secret) is None


def test_tokens_expire(running: Program, accounts: Accounts) -> None:
    secret, _ = accounts.create_token("x", Role.VIEWER, "an", 1)
    running.clock.seconds += 86_401
    assert accounts.by_token(secret) is None


# --- accounts


def test_the_last_admin_stays(running: Program, accounts: Accounts) -> None:
    accounts.add("an", Role.ADMIN, PASSWORD)
    for change in ({"enabled": False}, {"role": Role.VIEWER}):
        with pytest.raises(AccountError):
            accounts.change("an", **change)
    accounts.add("binh", Role.ADMIN, PASSWORD)
    assert accounts.change("an", role=Role.VIEWER).role is Role.VIEWER


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "x\ny", "<script>", "a/b"])
def test_wrong_names_are_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(AccountError):
        accounts.add(name, Role.VIEWER)


def test_one_name_is_one_account_however_it_is_typed(accounts: Accounts) -> None:
    accounts.add("Bình", Role.VIEWER)
    for same in ("bình", "BÌNH", "Bi\u0300nh", " Bình "):
        with pytest.raises(AccountError):
            accounts.add(same, Role.VIEWER)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "anhanhanhanh"])
def test_easy_passwords_are_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(AccountError):
        accounts.add("anh", Role.VIEWER, password)


def test_no_secret_is_in_the_database(running: Program, accounts: Accounts, tmp_path: Path) -> None:
    accounts.add("an", Role.ADMIN, PASSWORD)
    secrets = [
        PASSWORD,
        accounts.open_session("an", "", ""),
        accounts.create_token("x", Role.VIEWER, "an", 1)[0],
        accounts.create_link("an"),
    ]
    content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert content
    assert not [secret for secret in secrets if secret.encode() in content]


# --- the audit log


def test_every_change_is_in_the_audit_log(running: Program, stranger: TestClient) -> None:
    client = sign_in(running, Role.ADMIN)
    right = {"X-CSRF-Token": csrf_of(client.cookies[COOKIE])}
    body = {"text": "x", "ends_at": "2030-01-01T00:00:00Z"}
    client.post("/api/v1/maintenance", json=body, headers=right)
    client.post("/api/v1/maintenance", json={}, headers=right)  # refused: no act
    enter(stranger, "the admin", "nhầm rồi nhé")
    made = client.get("/api/v1/audit").json()["items"]
    assert [(a["who"], a["action"]) for a in made] == [
        ("the admin", "login refused"),
        ("the admin", "POST /api/v1/maintenance"),
    ]


def test_incidents_name_who_acted(running: Program) -> None:
    running.all_up()
    running.feed(down=["yen-thinh.fiber"])
    client = sign_in(running, Role.OPERATOR)
    right = {"X-CSRF-Token": csrf_of(client.cookies[COOKIE])}
    path = "/api/v1/incidents/1"
    assert client.post(f"{path}/acknowledge", json={}, headers=right).status_code == 200
    assert (
        client.post(f"{path}/comment", json={"text": "đang đi"}, headers=right).status_code == 200
    )
    assert client.post(f"{path}/comment", json={"text": " "}, headers=right).status_code == 422
    assert client.post(f"{path}/resolve", json={"cause": "đứt"}, headers=right).status_code == 200
    found = client.get(path).json()
    assert found["acknowledged_by"] == "the operator"
    assert found["state"] == "open"
    assert [(s["step"], s["author"]) for s in found["timeline"]][-3:] == [
        ("acknowledged", "the operator"),
        ("comment" + "ed", "the operator"),
        ("cause", "the operator"),
    ]
    for page in ("/console", "/console/incidents/1"):
        assert "cáp quang" in client.get(page, headers=PAGE).text
    assert (
        client.post("/api/v1/incidents/99/acknowledge", json={}, headers=right).status_code == 404
    )


def test_what_if_answers_without_doing_anything(running: Program) -> None:
    running.all_up()
    client = sign_in(running, Role.VIEWER)
    found = client.get("/api/v1/incidents/what-if?subject=yen-thinh&lang=en").json()
    assert [(i["kind"], i["subject"]) for i in found["incidents"]] == [("site-dark", "yen-thinh")]
    assert found["incidents"][0]["quiet_count"] == 6
    assert client.get("/api/v1/incidents").json()["items"] == []
    assert client.get("/api/v1/incidents/what-if?subject=x").status_code == 404


def test_accounts_survive_a_restart(tmp_path: Path) -> None:
    with program(tmp_path) as first:
        first.context.accounts.add("an", Role.ADMIN, PASSWORD)
        secret = first.session("an")
    with program(tmp_path) as second:
        assert second.context.accounts.by_session(secret) is not None
        assert second.context.accounts.authenticate("an", PASSWORD).role is Role.ADMIN
