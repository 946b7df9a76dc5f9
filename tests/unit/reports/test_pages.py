"""The reports' page and API over the running program, as a browser and a program ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk import SIGNED_IN, Program, program
from fastapi.testclient import TestClient
from parts import district

from ioc.accounts.model import Role
from ioc.api.door import COOKIE
from ioc.reports.kept import READY, Rows


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Program]:
    with program(tmp_path, district()) as made:
        made.context.reports.load()
        yield made


@pytest.fixture
def client(running: Program) -> Iterator[TestClient]:
    with TestClient(
        running.app, base_url="http://127.0.0.1", raise_server_exceptions=False,
        headers=SIGNED_IN, client=("127.0.0.1", 50000),
    ) as made:  # fmt: skip
        yield made


def ask(client: TestClient, **given: object) -> tuple[int, dict[str, object]]:
    answer = client.post("/api/v1/reports", json=given)
    return answer.status_code, answer.json()


def test_a_report_is_asked_for_looked_at_and_cancelled(client: TestClient) -> None:
    code, job = ask(client, every="month", formats=["pdf"])
    assert (code, job["state"], job["since"], job["until"]) == (
        202, "waiting", "2026-01-01", "2026-01-31"
    )  # fmt: skip
    assert (job["author"], job["formats"], job["files"]) == ("test", ["pdf"], {})
    address = f"/api/v1/reports/{job['id']}"
    assert client.get(address).json() == job
    assert client.get("/api/v1/reports").json()["items"] == [job]
    assert client.get(f"{address}/pdf").status_code == 404
    assert client.delete(address).json()["state"] == "cancelled"
    assert client.get("/api/v1/reports/0-0").status_code == 404
    assert client.delete("/api/v1/reports/0-0").status_code == 404


def test_files_have_a_name_that_says_what_is_in_them(running: Program, client: TestClient) -> None:
    _code, asked = ask(client, every="quarter", place="c", day="2025-08-09")
    reports = running.context.reports
    job = reports.job(str(asked["id"]))
    assert job is not None
    Rows(running.context.database.engine).keep(replace(job, state=READY))
    folder = reports._folders.ready(job.id)
    folder.mkdir(parents=True)
    (folder / "report.pdf").write_bytes(b"%PDF-1.7")
    reports.load()
    answer = client.get(f"/api/v1/reports/{job.id}/pdf")
    assert answer.headers["content-disposition"] == 'attachment; filename="bao-cao-c-2025-q3.pdf"'
    assert (answer.headers["content-type"], answer.content) == ("application/pdf", b"%PDF-1.7")
    assert client.get(f"/api/v1/reports/{job.id}").json()["files"] == {
        "pdf": f"/api/v1/reports/{job.id}/pdf"
    }
    page = client.get("/reports").text
    assert "PDF (0 kB)" in page
    (folder / "report.pdf").unlink()
    assert "tệp không còn trên máy chủ" in client.get("/reports").text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"every": "range"}, "chọn từ ngày đến ngày thì phải có ngày đầu và ngày cuối"),
        ({"every": "month", "day": "2027-01-01"}, "01/01/2027 là ngày chưa tới"),
        ({"every": "month", "place": "khong-co"}, "không có đơn vị khong-co"),
    ],
)
def test_what_cannot_be_made_is_said_by_api_and_page_alike(
    client: TestClient, given: dict[str, str], said: str
) -> None:
    code, problem = ask(client, **given)
    assert (code, problem["detail"]) == (422, said)
    form = {
        "period": f"{given['every']}:{given.get('day', '')}",
        "place": given.get("place", ""),
        "formats": "pdf",
    }
    answer = client.post("/reports", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert client.get("/api/v1/reports").json()["items"] == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"period": "month:2026-01-01"}, "hãy chọn PDF, Excel hoặc cả hai"),
        ({"period": "month:mười", "formats": "pdf"}, "không phải ngày tháng"),
        ({"period": "range:", "since": "31/31/2026", "until": "x", "formats": "pdf"},
         "không phải ngày tháng"),
        ({"period": "century:", "formats": "pdf"}, "biểu mẫu chưa đầy đủ"),
    ],
)  # fmt: skip
def test_a_form_filled_in_wrong_is_said_in_words_and_kept(
    client: TestClient, form: dict[str, str], said: str
) -> None:
    answer = client.post("/reports", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    if "since" in form:
        assert f'value="{form["since"]}"' in answer.text


def test_the_form_offers_periods_by_name_and_the_last_month_first(client: TestClient) -> None:
    page = client.get("/reports").text
    chosen = re.findall(r'<option value="([^"]+)" selected>([^<]+)', page)
    assert chosen == [("month:2026-01-01", "Tháng 1 năm 2026")]
    for said in ("Tháng 2 năm 2026 (chưa kết thúc)", "Quý IV năm 2025", "Năm 2025", "Xã mới"):
        assert said in page
    assert "như trước lần sáp nhập gần nhất" in page


def test_old_units_are_offered_and_made_by_old_units(client: TestClient) -> None:
    form = {"period": "month:2026-01-01", "place": "a", "units": "before", "formats": "pdf"}
    answer = client.post("/reports", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports")
    job = client.get("/api/v1/reports").json()["items"][0]
    assert (job["place"], job["units"]) == ("a", "before")
    assert "theo đơn vị trước sáp nhập" in client.get("/reports").text
    code, problem = ask(client, every="month", place="a")
    assert code == 422
    assert "không phải là một đơn vị riêng" in str(problem["detail"])


def test_the_list_alone_is_what_the_page_renews(client: TestClient) -> None:
    ask(client, every="month")
    part = client.get("/reports?part=made").text
    assert 'id="made"' in part
    assert 'data-busy="yes"' in part
    assert "<form" in part, "it can be cancelled there"
    assert "<html" not in part
    assert client.get("/reports?part=all").status_code == 422


def test_a_viewer_reads_and_does_not_ask(running: Program) -> None:
    cookie = running.session("nhin", Role.VIEWER)
    with TestClient(running.app, base_url="http://127.0.0.1", cookies={COOKIE: cookie}) as viewer:
        page = viewer.get("/reports").text
        assert "Chưa có báo cáo nào." in page
        assert "Lập báo cáo mới" not in page
        assert viewer.post("/api/v1/reports", json={}).status_code == 403


def test_names_are_escaped_on_the_page(tmp_path: Path) -> None:
    found = district()
    nasty = replace(found, area_name="<script>alert(1)</script>")
    with (
        program(tmp_path, nasty) as made,
        TestClient(made.app, base_url="http://127.0.0.1", headers=SIGNED_IN) as client,
    ):
        ask(client, every="month")
        assert "<script>alert" not in client.get("/reports").text


def test_in_english(client: TestClient) -> None:
    page = client.get("/reports?lang=en").text
    for said in ("New report", "January 2026", "February 2026 (not over yet)", "Make the report"):
        assert said in page
    answer = client.post("/reports?lang=en", data={"period": "range:", "formats": "pdf"})
    assert "a range needs a first and a last day" in answer.text


def links_of(client: TestClient, query: str) -> set[str]:
    page = client.get(f"/availability?{query}")
    assert page.status_code == 200, query
    return {name for name in re.findall(r'<tr data-id="([^"]+)"', page.text) if "." in name}


def test_after_a_merger_the_page_of_a_former_commune_leads_to_its_unit(client: TestClient) -> None:
    former = client.get("/sites/a").text
    assert 'href="/availability?place=a"' in former
    assert links_of(client, "place=a") == {"a.fiber", "a.4g", "b.fiber", "b.4g"}
    page = client.get("/availability?place=a").text
    assert '<option value="moi" selected>' in page, "the unit that it is a part of now"
    assert links_of(client, "month=2025-05&place=a") == {"a.fiber", "a.4g"}


def test_a_month_before_a_merger_does_not_know_the_new_unit(client: TestClient) -> None:
    assert links_of(client, "month=2025-05&place=moi") == links_of(client, "month=2025-05")
    asked = "/api/v1/availability?since=2025-05-01&until=2025-05-31&place=moi"
    assert client.get(asked).status_code == 422, "a program is told"
    mine = client.get("/api/v1/availability?place=a&type=link").json()["items"]
    assert {item["id"] for item in mine} == {"a.fiber", "a.4g", "b.fiber", "b.4g"}


@pytest.mark.parametrize("numerator", [-1, 10**12 + 1, 10**30])
def test_a_reading_beyond_all_bounds_is_refused(client: TestClient, numerator: int) -> None:
    given = {"as_of": "2026-01-31", "place": "c", "numerator": numerator, "denominator": 10**12}
    for one in (given, given | {"numerator": 0, "denominator": numerator}):
        answer = client.post("/api/v1/targets/files/readings", json=one)
        assert answer.status_code == 422, answer.text
    fine = given | {"numerator": 10**12}
    assert client.post("/api/v1/targets/files/readings", json=fine).status_code < 300
