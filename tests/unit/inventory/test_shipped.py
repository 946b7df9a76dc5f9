"""The inventory that is shipped: the real district, nowhere but on loopback."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest

from ioc.i18n import use_language
from ioc.inventory.loader import Loaded, load
from ioc.inventory.topology import AssetType

ROOT = Path(__file__).parent.parent.parent.parent

# The 20 units until 30 June 2025: code, name, point.
UNITS = """
02020 Thị trấn Bằng Lũng 22.1623 105.6002
02023 Xã Xuân Lạc 22.3485 105.5357
02026 Xã Nam Cường 22.3701 105.6119
02029 Xã Đồng Lạc 22.3207 105.5826
02032 Xã Tân Lập 22.2929 105.6295
02035 Xã Bản Thi 22.2580 105.5123
02038 Xã Quảng Bạch 22.2488 105.6061
02041 Xã Bằng Phúc 22.2651 105.6764
02044 Xã Yên Thịnh 22.2161 105.4654
02047 Xã Yên Thượng 22.1628 105.5357
02050 Xã Phương Viên 22.2001 105.6295
02053 Xã Ngọc Phái 22.2047 105.5826
02059 Xã Đồng Thắng 22.1338 105.6608
02062 Xã Lương Bằng 22.0977 105.4888
02065 Xã Bằng Lãng 22.1182 105.5767
02068 Xã Đại Sảo 22.1073 105.6295
02071 Xã Nghĩa Tá 22.0700 105.5357
02077 Xã Yên Mỹ 22.0638 105.6588
02080 Xã Bình Trung 21.9981 105.5592
02083 Xã Yên Phong 22.0336 105.6119
"""


@pytest.fixture(scope="module")
def shipped() -> Loaded:
    use_language("vi")
    return load(ROOT / "inventory.yaml")


def communes(shipped: Loaded):
    return [s for s in shipped.topology.sites.values() if s.kind in ("commune", "township")]


def test_it_loads_without_a_warning(shipped) -> None:
    assert shipped.warnings == ()
    assert shipped.topology.area_name == "Huyện Chợ Đồn"
    assert shipped.topology.timezone.key == "Asia/Ho_Chi_Minh"


def test_every_unit_of_the_district_has_its_code_and_point(shipped) -> None:
    found = [f"{s.code} {s.name} {s.lat:.4f} {s.lon:.4f}" for s in communes(shipped)]
    assert found == UNITS.strip().splitlines()


def test_there_are_about_480_assets(shipped) -> None:
    types = Counter(asset.type for asset in shipped.topology.assets.values())
    assert 470 <= sum(types.values()) <= 500
    assert types[AssetType.LINK] == 40
    assert types[AssetType.SENTINEL] == 2


def test_every_commune_has_fiber_4g_a_router_and_a_computer_for_each_of_its_staff(shipped) -> None:
    assets = shipped.topology.assets
    for site in communes(shipped):
        assert [assets[link].kind for link in site.links] == ["fiber", "4g"], site.id
        assert [assets[link].backup for link in site.links] == [False, True], site.id
        kinds = Counter(assets[device].kind for device in site.devices)
        assert kinds["router"] == 1
        assert kinds["computer"] == site.staff
        assert 15 <= site.staff <= 25
    providers = Counter(a.provider for a in assets.values() if a.kind == "fiber")
    assert set(providers) == {"VNPT", "Viettel"}


def test_the_systems_of_the_district_are_services(shipped) -> None:
    services = [a.name for a in shipped.topology.assets.values() if a.type is AssetType.SERVICE]
    for words in (
        "Cổng Dịch vụ công của tỉnh", "Cổng Dịch vụ công Quốc gia", "một cửa điện tử",
        "Cổng Thông tin điện tử huyện", "Thư điện tử công vụ", "Văn bản điện tử",
        "cơ sở dữ liệu dùng chung của tỉnh", "Cơ sở dữ liệu quốc gia", "Dữ liệu mở", "IOC",
    ):  # fmt: skip
        assert any(words in name for name in services), words


def test_every_address_is_on_loopback(shipped) -> None:
    addresses = [check.settings.address for check in shipped.topology.checks.values()]
    assert len(addresses) == len(shipped.topology.assets)
    assert all(ip_address(address).is_loopback for address in addresses)
    assert {check.kind for check in shipped.topology.checks.values()} == {"icmp"}


def test_computers_follow_office_hours_and_links_never_rest(shipped) -> None:
    calendars = {(a.kind, a.calendar) for a in shipped.topology.assets.values()}
    assert ("computer", "office") in calendars
    assert {kind for kind, calendar in calendars if calendar} == {"computer"}
    assert shipped.topology.calendars["office"].holidays == "VN"


def test_the_real_forms_in_its_comments_are_valid(tmp_path: Path) -> None:
    """A technician will take them as they stand, only with another address."""
    text = (ROOT / "inventory.yaml").read_text(encoding="utf-8")
    forms = re.findall(r"# thực tế: checks: (\[.*\])", text)
    assert len(forms) >= 6
    services = "".join(
        f"  - {{id: s{n}, name: S, checks: {form.replace('…', f's{n}.example.vn')}}}\n"
        for n, form in enumerate(forms)
    )
    block = re.search(r"  # thực tế:\n((?:  #   .*\n)+)", text)
    assert block is not None
    services += re.sub(r"^  #   ", "  ", block[1], flags=re.MULTILINE)
    path = tmp_path / "inventory.yaml"
    path.write_text(f"area: {{id: a, name: A}}\nservices:\n{services}", encoding="utf-8")
    kinds = {check.kind for check in load(path).topology.checks.values()}
    assert kinds >= {"http", "tls", "tcp", "dns"}


def test_it_begins_with_an_explanation_in_vietnamese() -> None:
    head = (ROOT / "inventory.yaml").read_text(encoding="utf-8").partition("\narea:")[0]
    assert all(line.startswith("#") or not line for line in head.splitlines())
    for words in ("SỬA THEO THỨ TỰ", "ioc inventory validate", "inventory.yaml:57:"):
        assert words in head
