"""Territories from a sheet: what is seen is what is done, and a row that cannot be read stops all of it."""

import re
from typing import Any

import pytest

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from services.routing.domain.places import lines_of
from services.routing.domain.profile import Territory
from services.routing.domain.territory_import import MOST_ROWS, ImportMode, combined, sheet_of
from services.routing.queries.installers import territory_of
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import Floor, postcode_range, postcodes
from tests.routing.desk import Desk, code_of

PAGE = "/console/installers/import-territories"


class TestSheet:
    def test_is_read_with_heading_tabs_and_empty_lines(self) -> None:
        sheet = sheet_of("Installer;Place\n\nSouthern  Sun\t2000-2234\n53 004 085 616; NSW, 2480\n")
        assert [(row.number, row.key, lines_of(row.territory)) for row in sheet.rows] == [
            (3, "southern sun", ["2000-2234"]),
            (4, "53004085616", ["NSW", "2480"]),
        ]
        assert sheet.faults == ()

    @pytest.mark.parametrize(
        ("text", "rows"),
        [
            ("Southern Sun,2000-2234", [("southern sun", ["2000-2234"])]),
            (
                "installer,place\r\nSouthern Sun, NSW\r\n53 004 085 616,2480",
                [("southern sun", ["NSW"]), ("53004085616", ["2480"])],
            ),
            ("Southern Sun,2480,2490", [("southern sun", ["2480", "2490"])]),
            ('"Sun, Moon & Co",2000', [("sun, moon & co", ["2000"])]),
            ('"Sun; Moon",2000', [("sun; moon", ["2000"])]),
            ('"Sun; Moon";"NSW, 2620"', [("sun; moon", ["NSW", "2620"])]),
            ('"The ""Sparky"" Crew","WA, 2620"', [('the "sparky" crew', ["WA", "2620"])]),
            ("Southern Sun; NSW, 2620", [("southern sun", ["NSW", "2620"])]),
            ("Southern Sun\tNSW, 2620", [("southern sun", ["NSW", "2620"])]),
            ("place,name\nWA,Southern Sun", [("southern sun", ["WA"])]),
            ('\ufeffid,name,abn,territory\nx,"Sun, Co",1,"NSW, 2620"', [("x", ["NSW", "2620"])]),
        ],
    )
    def test_is_read_with_commas_and_quotes(self, text: str, rows: list[tuple[str, list[str]]]) -> None:
        sheet = sheet_of(text)
        assert [(row.key, lines_of(row.territory)) for row in sheet.rows] == rows
        assert sheet.faults == ()

    def test_a_row_that_ends_before_its_place_is_told(self) -> None:
        sheet = sheet_of("id,name,territory\nx,Sun\ny,Moon,\nz,Star,WA")
        assert [fault.number for fault in sheet.faults] == [2, 3]
        assert [row.key for row in sheet.rows] == ["z"]

    def test_tells_each_row_that_cannot_be_read(self) -> None:
        faults = sheet_of("Southern Sun; 2000\nSouthern Sun\nHarbour; 2234-2000\nYarra; Victoria").faults
        assert [(fault.number, fault.what[:24]) for fault in faults] == [
            (2, "write who and a place wi"),
            (3, "the range ends before it"),
            (4, "neither a state as NSW, "),
        ]

    def test_has_no_more_rows_than_are_read_at_once(self) -> None:
        most = "x; 2000\n" * MOST_ROWS
        assert len(sheet_of(most).rows) == MOST_ROWS
        [fault] = sheet_of(f"\n{most}x; 2000").faults
        assert (fault.number, fault.what) == (MOST_ROWS + 2, "the sheet has more than 20,000 rows: import it in parts")

    @pytest.mark.parametrize(
        ("mode", "lines"), [(ImportMode.ADD, ["2000-2100"]), (ImportMode.REPLACE, ["2051-2100", "2020"])]
    )
    def test_adds_or_replaces(self, mode: ImportMode, lines: list[str]) -> None:
        rows = sheet_of("x; 2051-2100\nx; 2020").rows
        assert lines_of(combined(postcode_range("2000", "2050"), rows, mode)) == lines


async def lines(floor: Floor) -> dict[str, list[str]]:
    found = {}
    async with floor.database.reading() as session:
        for row in await floor.rows("SELECT id, name FROM installers ORDER BY name"):
            found[row["name"]] = lines_of(await territory_of(session, row["id"]))
    return found


@pytest.fixture
async def three(floor: Floor) -> Floor:
    await floor.installer(name="Ana Solar", territory=postcode_range("2000", "2050"), abn="51824753556")
    await floor.installer(name="Bo Solar", territory=postcodes("3000"), abn=None)
    await floor.installer(name="Cy Solar", territory=Territory(), abn=None)
    return floor


class TestOverHttp:
    async def test_a_dry_run_tells_what_the_deed_then_does(self, three: Floor, desk: Desk) -> None:
        rows = [
            {"installer": "51 824 753 556", "place": "2051-2060, WA"},
            {"installer": "bo  solar", "place": "3000"},
            {"installer": "Cy Solar", "place": "6000"},
        ]
        before = await lines(three)
        seen = await desk.do("POST", "/admin/territory-imports", {"rows": rows, "reason": "The new map"})
        assert (seen["is_done"], seen["faults"], await lines(three)) == (False, [], before)
        assert {each["name"]: each["change"] for each in seen["changes"]} == {
            "Ana Solar": "adds WA, 2000-2060; drops 2000-2050",
            "Bo Solar": None,
            "Cy Solar": "adds 6000",
        }
        done = await desk.do(
            "POST", "/admin/territory-imports", {"rows": rows, "reason": "The new map", "dry_run": False}
        )
        assert done["changes"] == seen["changes"]
        assert await lines(three) == {"Ana Solar": ["WA", "2000-2060"], "Bo Solar": ["3000"], "Cy Solar": ["6000"]}
        audited = await three.rows("SELECT reason_text FROM audit_entries WHERE action = 'import_territory'")
        assert audited == [{"reason_text": "The new map"}] * 2

    async def test_takes_thousands_of_rows(self, three: Floor, desk: Desk) -> None:
        codes = [f"{code}" for code in range(2000, 7000, 2)]
        rows = [{"installer": "51 824 753 556", "place": code} for code in codes]
        done = await desk.do("POST", "/admin/territory-imports", {"rows": rows, "mode": "replace", "dry_run": False})
        assert done["faults"] == []
        assert (await lines(three))["Ana Solar"] == codes

    async def test_is_of_no_more_installers_than_can_be_done_at_once(
        self, three: Floor, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.routing.http.imports.MOST_INSTALLERS", 2)
        rows = [{"installer": f"{name} Solar", "place": "WA"} for name in ("Ana", "Bo", "Cy")]
        seen = await desk.do("POST", "/admin/territory-imports", {"rows": rows})
        assert seen["faults"] == [{"row": 1, "message": "the sheet names more than 2 installers"}]
        assert (await desk.do("POST", "/admin/territory-imports", {"rows": rows[1:]}))["faults"] == []

    async def test_a_fault_in_one_row_stops_all(self, three: Floor, desk: Desk) -> None:
        await three.installer(name="Bo Solar")
        rows = [
            {"installer": "Ana Solar", "place": "WA"},
            {"installer": "Bo Solar", "place": "WA"},
            {"installer": "Nobody", "place": "WA"},
            {"installer": "Cy Solar", "place": "Perth"},
        ]
        seen = await desk.do("POST", "/admin/territory-imports", {"rows": rows})
        assert [(fault["row"], fault["message"][:32]) for fault in seen["faults"]] == [
            (2, "2 installers are called so: write"[:32]),
            (3, "there is no installer “Nobody”"),
            (4, "neither a state as NSW, nor a postcode"[:32]),
        ]
        answer = await desk.ask("POST", "/admin/territory-imports", {"rows": rows, "dry_run": False})
        assert (answer.status_code, code_of(answer)) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == ["rows.1", "rows.2", "rows.3"]
        assert "import_territory" not in await three.audited()


class TestThePage:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def post(self, desk: Desk, path: str, **fields: Any) -> Any:
        return await desk.client.post(path, data={"csrf": CSRF, **fields})

    async def test_shows_a_sheet_again_with_its_faults(self, three: Floor, desk: Desk) -> None:
        answer = await self.post(desk, PAGE, sheet="Ana Solar; 2000\nNobody; WA", mode="add")
        assert answer.status_code == 200
        assert "Line 2: there is no installer “Nobody”" in answer.text
        assert "Ana Solar; 2000\nNobody; WA</textarea>" in answer.text

    async def test_is_seen_per_installer_and_then_done(self, three: Floor, desk: Desk) -> None:
        sheet = "Ana Solar; 2100\nBo Solar; 3000\nCy Solar; 6000-6010\nCy Solar; TAS"
        answer = await self.post(desk, PAGE, sheet=sheet, mode="replace", reason="The new map")
        job = answer.headers["location"]
        page = (await desk.client.get(job)).text
        told = re.findall(r'<th scope="row">(.*?)</th>.*?<td class="wrap">(.*?)</td>', page, re.DOTALL)
        assert dict(told) == {
            "Ana Solar": "Adds 2100; drops 2000-2050",
            "Bo Solar": "It has this territory",
            "Cy Solar": "Adds TAS, 6000-6010",
        }
        before = await lines(three)
        assert before["Ana Solar"] == ["2000-2050"]
        sight = re.search(r'name="sight" value="([0-9a-f]+)"', page)
        assert sight is not None
        assert (await self.post(desk, f"{job}/import", sight=sight[1])).status_code == 303
        assert await lines(three) == {"Ana Solar": ["2100"], "Bo Solar": ["3000"], "Cy Solar": ["TAS", "6000-6010"]}
        audited = await three.rows(
            "SELECT actor_name, reason_text FROM audit_entries WHERE action = 'import_territory'"
        )
        assert [row["reason_text"] for row in audited] == ["The new map"] * 2

    async def test_reads_what_the_list_of_installers_is_exported_as(self, three: Floor, desk: Desk) -> None:
        sheet = await self.post(desk, "/console/installers/export", query="q=o%20solar")
        assert sheet.status_code == 200, sheet.text
        answer = await self.post(desk, PAGE, sheet=sheet.text.replace(",3000,", ',"3000, WA",'), mode="replace")
        page = (await desk.client.get(answer.headers["location"])).text
        assert re.findall(r'<td class="wrap">(.*?)</td>', page) == ["Adds WA"]

    async def test_takes_a_sheet_of_thousands_of_rows(self, three: Floor, desk: Desk) -> None:
        codes = [f"{code}" for code in range(2000, 7000, 2)]
        sheet = "\n".join(f"51 824 753 556; {code}" for code in [*codes, *codes])
        answer = await self.post(desk, PAGE, sheet=sheet, mode="replace")
        job = answer.headers["location"]
        assert (await self.post(desk, f"{job}/import/preview", sheet=sheet, mode="replace")).status_code == 303
        sight = re.search(r'name="sight" value="([0-9a-f]+)"', (await desk.client.get(job)).text)
        assert sight is not None
        assert (await self.post(desk, f"{job}/import", sight=sight[1])).status_code == 303
        assert (await lines(three))["Ana Solar"] == codes

    async def test_filled_in_again_with_others_nothing_of_it_can_be_done(self, three: Floor, desk: Desk) -> None:
        answer = await self.post(desk, PAGE, sheet="Ana Solar; 2100", mode="add")
        job = answer.headers["location"]
        await self.post(desk, f"{job}/import/preview", sheet="Cy Solar; 2100", mode="add")
        page = (await desk.client.get(job)).text
        assert "None of them can be done" in page
        assert "names an installer that is not here: begin the import anew" in page
