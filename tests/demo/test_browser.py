"""The page in a real browser: with the mouse, with the keyboard alone, judged by axe-core, in light, dark and small.

RIGHT_HF_PICTURES=right_hf/demo/images pytest -m slow tests/demo/test_browser.py    # makes the page's pictures
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import axe_script, browser, errors_of, hindrances, hosts_of, save_picture, shown

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.timeout(300)]

POST = "Scaling our Erlang cluster to 10k nodes on Azure, and what Kubernetes had to do with it"
EVIL = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where `right-hf demo` says that it is."""
    command = [sys.executable, "-m", "right_hf", "demo", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = next((line for line in process.stderr if "The page is at" in line), "")
        [found] = re.findall(r"http://127\.0\.0\.1:\d+", said)
        yield found
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors, errors


@pytest.fixture
def window(address: str) -> Iterator[WebDriver]:
    """A browser that at no time may ask anybody else, nor have errors to show."""
    with browser() as driver:
        yield driver
        assert not errors_of(driver)
        assert hosts_of(driver) == {"127.0.0.1"}


def opened(driver: WebDriver, address: str) -> WebElement:
    """The box to write in."""
    driver.get(address)
    [box] = shown(driver, "#post textarea")
    return box


def chips(driver: WebDriver) -> list[str]:
    found: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('.chip')].map(chip => chip.innerText)"
    )
    return found


def radio(driver: WebDriver, label: str) -> WebElement:
    return driver.find_element(By.XPATH, f"//label[contains(., '{label}')]/input")


def test_hashtags_come_while_one_writes_and_go_into_the_post(window: WebDriver, address: str) -> None:
    box = opened(window, address)
    box.send_keys(POST)
    [chip] = [chip for chip in shown(window, ".chip") if chip.text == "#Erlang"]
    assert re.search(r"\d+%", window.find_element(By.CSS_SELECTOR, ".score").text)
    [status] = shown(window, "#suggestions [role=status]")
    assert "suggested" in status.text
    chip.click()
    shown(window, "#post textarea", lambda found: "our #Erlang cluster" in found[0].get_property("value"))
    shown(window, ".chip", lambda found: found and "#Erlang" not in [chip.text for chip in found])
    assert box.get_property("value") == POST.replace("Erlang", "#Erlang")

    shown(window, "summary")[0].click()
    assert shown(window, "details[open] .evidence li", lambda found: found and len(found[0].text) > 20)


def test_style_count_and_checkpoint(window: WebDriver, address: str) -> None:
    box = opened(window, address)
    box.send_keys("Moving to Windows Virtual Desktop: what the cloud costs us in machine learning")
    shown(window, ".chip", lambda found: any(chip.text != chip.text.lower() for chip in found))
    radio(window, "#windowsvirtualdesktop").click()
    shown(window, ".chip", lambda found: found and all(chip.text == chip.text.lower() for chip in found))
    slider = window.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.HOME)
    shown(window, ".chip", lambda found: len(found) == 1)
    radio(window, "Chinese").click()
    box.clear()
    box.send_keys("今晚去看演唱会，新专辑也太好听了，周杰伦")
    shown(window, ".chip", lambda found: found and re.search(r"[\u4e00-\u9fff]", found[0].text))


def test_the_keyboard_is_enough(window: WebDriver, address: str) -> None:
    opened(window, address).send_keys(POST)
    shown(window, ".chip")
    first, second = chips(window)[:2]
    window.switch_to.active_element.send_keys(Keys.TAB)
    assert window.switch_to.active_element.text == first
    window.switch_to.active_element.send_keys(Keys.ENTER)
    shown(window, ".chip", lambda found: found[0].text == second)
    assert window.switch_to.active_element.text == second  # the next one, not the top of the page
    window.switch_to.active_element.send_keys(Keys.TAB)
    assert window.switch_to.active_element.tag_name == "summary"
    window.switch_to.active_element.send_keys(Keys.ENTER)
    shown(window, "details[open]")
    for _ in range(30):
        window.switch_to.active_element.send_keys(Keys.TAB)
        if window.switch_to.active_element.get_attribute("type") == "radio":
            break
    for _ in range(2):
        window.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    shown(window, ".chip", lambda found: found and all(chip.text == chip.text.lower() for chip in found))


def test_posts_of_ones_own_stay_in_the_session_and_are_no_markup(
    window: WebDriver, address: str, tmp_path: Path
) -> None:
    box = opened(window, address)
    text = f"Fresh bread {EVIL} ${{1+1}} {{{{7*7}}}}"
    for name, hashtags in (("mine", ["ourbakery"]), ("wrong", ["ourbakery", EVIL])):
        row = json.dumps({"text": text, "hashtags": hashtags})
        (tmp_path / f"{name}.jsonl").write_text(row, encoding="utf-8")
    shown(window, "#own button")[0].click()
    for name, said in (("wrong", f"got {EVIL!r}"), ("mine", "Hashtags come from mine.jsonl now. Posts: 1.")):
        shown(window, "#own input[type=file]")[0].send_keys(str(tmp_path / f"{name}.jsonl"))
        shown(window, "#own-said", lambda found, said=said: said in found[0].text)
    box.send_keys(f"Fresh bread every morning {EVIL}")
    shown(window, ".chip", lambda found: "#Ourbakery" in [chip.text for chip in found])
    shown(window, "summary")[0].click()
    [reason, *_] = shown(window, "details[open] .evidence li")
    assert "Fresh bread" in reason.text
    assert not window.find_elements(By.CSS_SELECTOR, "#suggestions img, #own-said img")
    assert window.title == "Hashtags for your post"

    window.switch_to.new_window("tab")
    opened(window, address).send_keys("Fresh bread every morning")
    shown(window, ".chip")
    assert "#Ourbakery" not in chips(window)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize(
    ("name", "theme", "width", "height"),
    [("light", "light", 900, 860), ("dark", "dark", 900, 860), ("phone", "light", 390, 844)],
)
def test_everybody_can_use_it(
    window: WebDriver, address: str, axe: str, name: str, theme: str, width: int, height: int
) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": name == "phone"}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    box = opened(window, address)
    assert not hindrances(window, axe)
    box.send_keys(POST)
    shown(window, "summary")[0].click()
    shown(window, "details[open] .evidence li")
    shown(window, "#own button")[0].click()
    shown(window, "#own input[type=file]")
    assert not hindrances(window, axe)
    assert window.execute_script("return document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("RIGHT_HF_PICTURES"):
        window.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        save_picture(window, Path(folder) / f"{name}.png")
