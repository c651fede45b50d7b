"""A real browser, without a screen: Debian's chromium, driven by selenium."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

#: The version of axe-core that judges the pages.
_AXE = "axe-core@4.14.1"
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")
_PATIENCE = 30


@contextmanager
def browser(width: int = 900, height: int = 1000) -> Iterator[WebDriver]:
    """Gives a browser; skips the test where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs chromium and chromedriver (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in (*_OPTIONS, f"--window-size={width},{height}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()


def shown(driver: WebDriver, selector: str, wanted: Callable[[list[WebElement]], Any] = bool) -> list[WebElement]:
    """The elements that a selector finds, as soon as they are as wanted."""

    def look(driver: WebDriver) -> list[WebElement] | None:
        found = driver.find_elements(By.CSS_SELECTOR, selector)
        return found if wanted(found) else None

    return WebDriverWait(driver, _PATIENCE, 0.05, [Exception]).until(look, f"{selector} is not as wanted")


def errors_of(driver: WebDriver) -> list[str]:
    """What its console has of errors since the last look."""
    entries: list[dict[str, Any]] = driver.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def hosts_of(driver: WebDriver) -> set[str | None]:
    """Whom it has asked for anything since the last look."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    return {urlsplit(url).hostname for url in sent if not url.startswith(("data:", "blob:"))}


def axe_script(folder: Path) -> str:
    """axe-core, fetched by npm into a folder; skips the test where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm, to fetch axe-core")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", _AXE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        pytest.skip(f"npm cannot fetch axe-core: {done.stderr.strip()[-200:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def hindrances(driver: WebDriver, script: str) -> list[tuple[str, str, list[str]]]:
    """What axe-core finds on the page that is serious or critical: the rule, what it wants, and where."""
    driver.execute_script(script)
    found = driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
    return [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def save_picture(driver: WebDriver, file: Path) -> None:
    """Writes what is in the window as a small PNG."""
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    picture.quantize(48).save(file, optimize=True)
