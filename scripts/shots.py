"""The pictures of the README, taken from a running instance with demo data: make shots.

Called by dev.py with the Python of .venv (Playwright, system Chromium). Password and address as ``make run`` has them.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PHONE, DESK = {"width": 360, "height": 580}, {"width": 1366, "height": 768}
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--lang=zh-CN",
)
SHOTS = [  # name, login, address, window
    ("overview", "erping", "/erping/2023/", DESK),
    ("what-if", "erping", "/erping/2023/what-if/", DESK),
    ("plan-check", "xihe", "/xihe/2024/plan/check/", DESK),
    ("acceptance", "xihe", "/xihe/2024/acceptances/", DESK),
    ("batch", "xihe-leader", "/xihe/2024/subsidies/batches/?state=published", DESK),
    ("form-phone", "xihe-shuangyong", "/xihe/2024/forms/", PHONE),
]
FOLLOW = {"batch": "main tbody a"}  # pages whose address differs from load to load: the first link of a list


def shoot(browser: Browser, base: str, password: str, folder: Path) -> None:
    for name, login, address, window in SHOTS:
        page = browser.new_context(viewport=window, locale="zh-CN").new_page()
        page.goto(f"{base}/login/")
        page.fill("[name=username]", login)
        page.fill("[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_load_state()
        answer = page.goto(base + address)
        if answer is None or answer.status != 200:
            sys.exit(f"{address} 应答 {answer and answer.status}，没有截图。")
        if name in FOLLOW:
            page.click(FOLLOW[name])
            page.wait_for_load_state()
        page.screenshot(path=folder / f"{name}.png")
        print(folder / f"{name}.png", flush=True)
        page.context.close()


def main() -> None:
    var = Path(os.environ.get("FARMLAND_VAR") or ROOT / "var")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not (var / "demo_password").exists():
        sys.exit("截图需要 Chromium 和正在运行的演示系统：apt install chromium，另一个终端里 make run。")
    folder = ROOT / "docs" / "shots"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        base = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
        shoot(browser, base, (var / "demo_password").read_text().strip(), folder)
        browser.close()


if __name__ == "__main__":
    main()
