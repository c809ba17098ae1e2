from datetime import timedelta
from pathlib import Path
import pytest
from contracts.identity import Role
from services.intake.domain import Channel, LeadStatus, FollowUpOutcome
from services.intake.commands.follow_ups import Complete, complete_follow_up
from tests.intake.reception import Reception
from tests.intake.samples import OPERATOR
HOUR = timedelta(hours=1)
OUT = Path("/tmp/d-pics"); OUT.mkdir(exist_ok=True)
async def shoot(here, name, url, opened=()):
    for w,h,scheme in ((1440,900,"light"),(1440,900,"dark"),(390,844,"light"),(390,844,"dark")):
        await here.page.emulate_media(color_scheme=scheme)
        await here.page.set_viewport_size({"width":w,"height":h})
        await here.page.goto(url)
        for text in opened:
            await here.page.locator("summary", has_text=text).first.click()
        await here.page.wait_for_timeout(300)
        await here.page.screenshot(path=OUT/f"{name}-{w}-{scheme}.png", full_page=True)
async def test_pics(rooms, visit):
    r = Reception(rooms.database("intake"), rooms.clock)
    _, key = await r.source("Energy Compare Australia")
    _, key2 = await r.source("Solar Quotes")
    kim = await r.operator("Kim Reed"); ash = await r.operator("Ash Moran")
    ids=[]
    for i,(n,s) in enumerate([("Mia O'Brien","Marrickville"),("Tom Reid","Fremantle"),("Oluwaseun Adebayo-Fitzgerald","Wagga Wagga"),("Zoe Ng","Bondi"),("Ivy Park","Carlton")]):
        ids.append(await r.lead(key if i%2 else key2, name=n, suburb=s, ago=(i+1)*HOUR))
    await r.move(ids[1], LeadStatus.EXCEPTION, ago=HOUR, reason="no_eligible_installer")
    await r.give(ids[0], OPERATOR); await r.give(ids[1], kim); await r.give(ids[1], ash, "While Kim is away: she wants a call after six")
    a = await r.follow_up(ids[0], kim, planned_ago=5*HOUR, channel=Channel.VISIT, note="Look at the roof with them, bring the sample panel")
    b = await r.follow_up(ids[0], None, ahead=26*HOUR, note="Ask for the last bill, the meter's number and the age of the roof")
    await r.follow_up(ids[2], kim, ahead=HOUR*2, channel=Channel.SMS); await r.follow_up(ids[3], None, planned_ago=4*HOUR, channel=Channel.EMAIL)
    c = await r.follow_up(ids[0], kim, planned_ago=2*HOUR)
    async with r.database.transaction() as s:
        await complete_follow_up(s, Complete(c.id, FollowUpOutcome.LEFT_MESSAGE, "Will call back after work", None, OPERATOR, rooms.clock.now()))
    base = rooms.address("intake")
    here = await visit()
    await here.enter(Role.EDITOR, base + "/console/follow-ups?state=open")
    await shoot(here, "follow-ups", base + "/console/follow-ups?state=open")
    await shoot(here, "queue-empty", base + "/console/follow-ups?owner=mine&state=open")
    await shoot(here, "follow-up", base + f"/console/follow-ups/{a.id}", ["Complete"])
    await shoot(here, "follow-up-done", base + f"/console/follow-ups/{c.id}")
    await shoot(here, "lead", base + f"/console/leads/{ids[0]}", ["Add follow-up"])
    await shoot(here, "lead-owned", base + f"/console/leads/{ids[1]}", ["Hand over"])
    await shoot(here, "leads", base + "/console/leads?owner=unowned&sort=received")
