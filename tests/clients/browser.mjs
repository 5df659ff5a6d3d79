// A real Chromium through the gate, as staff have one: the gate's root in its certificate store, the gate as its proxy, by
// address and by the proxy file. One JSON line a check; exit 1 on a failure. Environment as in clients.py, and
// TSUITATE_BROWSER, the program; its HOME holds the certificate store.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const { TSUITATE_PROXY: PROXY, TSUITATE_CA: CA, TSUITATE_STANDIN: STANDIN, TSUITATE_BROWSER: BROWSER } = process.env;
const CASES = JSON.parse(readFileSync(fileURLToPath(new URL("cases.json", import.meta.url)), "utf8"));
const PAGE = "https://api.openai.com/page";
const REFUSED_PAGE = "https://api.mistral.ai/";
const WAIT = { timeout: 15000 };

let failed = 0;
const check = (name, ok, detail = "") => {
  if (!ok) failed += 1;
  console.log(JSON.stringify({ name: `browser.${name}`, ok: Boolean(ok), detail: ok ? "" : String(detail).slice(0, 600) }));
};
const direct = async (method, path) => (await fetch(STANDIN + path, { method })).json();

async function browse(label, flags, work, home = process.env.HOME) {
  const browser = await puppeteer.launch({
    executablePath: BROWSER,
    env: { ...process.env, HOME: home },
    args: [...flags, "--disable-component-update", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  });
  try {
    await work(await browser.newPage());
  } catch (error) {
    check(`${label}.ran`, false, error.stack);
  } finally {
    await browser.close();
  }
}

/** Types a text, presses a button, waits for the answer: what the page shows, in which state. */
async function say(page, text, button) {
  await page.$eval("#ask", (field) => (field.value = ""));
  await page.type("#ask", text);
  await page.click(button);
  await page.waitForFunction(() => !["idle", "asking"].includes(document.getElementById("answer").dataset.state), WAIT);
  return page.$eval("#answer", (answer) => ({ text: answer.textContent, ...answer.dataset }));
}

async function nothingLeaked(name, count) {
  const received = await direct("GET", "/__received");
  check(`${name}.received`, received.length === count, `${received.length} requests, wanted ${count}`);
  const bodies = received.map((one) => JSON.stringify(JSON.parse(one.body)));
  const leaks = [...CASES.secrets, CASES.refused_secret].filter((secret) => bodies.some((body) => body.includes(secret)));
  check(`${name}.no_secret_upstream`, leaks.length === 0, leaks);
  return received;
}

const prompt = CASES.prompts[0];

async function chatPage(page) {
  await direct("POST", "/__reset");
  const opened = await page.goto(PAGE, WAIT);
  check("page.opens_under_the_gates_root", opened.status() === 200 && opened.securityDetails()?.issuer(), opened.status());
  const plain = await say(page, prompt, "#send");
  check("page.answer_is_whole", plain.state === "done" && plain.text === `復唱: ${prompt}`, JSON.stringify(plain));
  check("page.has_the_records_number", /^[0-9a-f-]{36}$/.test(plain.record ?? ""), JSON.stringify(plain));
  const streamed = await say(page, prompt, "#stream");
  check("page.streamed_answer_is_whole", streamed.state === "done" && streamed.text === `復唱: ${prompt}`, JSON.stringify(streamed));
  check("page.stream_comes_in_pieces", streamed.pieces > 5, JSON.stringify(streamed));
  await nothingLeaked("page.asked", 2);
  for (const button of ["#send", "#stream"]) {
    const refused = await say(page, CASES.refused, button);
    const shown = refused.text.includes("衝立") && refused.text.includes("記録番号") && refused.text.includes("nothing was sent");
    check(`page.refusal_is_shown${button.replace("#", "_")}`, refused.state === "refused 400" && shown, JSON.stringify(refused));
    check(`page.refusal_keeps_secret${button.replace("#", "_")}`, !refused.text.includes(CASES.refused_secret));
  }
  await nothingLeaked("page.refused", 2);
}

/** A page of the ward's own server asks the service from another origin, which its browser announces first. */
async function wardPage(page) {
  await direct("POST", "/__reset");
  await page.goto(`${STANDIN}/page?at=https://api.openai.com`, WAIT);
  const answer = await say(page, prompt, "#stream");
  check("ward.answer_is_whole", answer.state === "done" && answer.text === `復唱: ${prompt}`, JSON.stringify(answer));
  const refused = await say(page, CASES.refused, "#send");
  check("ward.refusal_is_shown", refused.state === "refused 400" && refused.text.includes("衝立"), JSON.stringify(refused));
  await nothingLeaked("ward", 1);
}

/** A page's own style is in force: its policy lets it through. */
const styled = (page, selector, property) => page.$eval(selector, (at, name) => getComputedStyle(at)[name], property);

async function refusedPage(page) {
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const answer = await page.goto(REFUSED_PAGE, WAIT);
  const shown = await page.$eval("body", (body) => body.innerText);
  check("refused_page.is_html", answer.status() >= 400 && answer.headers()["content-type"].startsWith("text/html"), answer.status());
  check("refused_page.says_so_in_japanese", shown.includes("送信を止めました") && shown.includes("記録番号"), shown);
  check("refused_page.says_so_in_english", shown.includes("nothing was sent"), shown);
  check("refused_page.names_whom_to_call", shown.includes("医療情報室") && shown.includes("2345"), shown);
  check("refused_page.has_its_style", (await styled(page, "body", "maxWidth")) === "704px", await styled(page, "body", "maxWidth"));
  const policy = complaints.filter((one) => /Content Security Policy/.test(one) && !/favicon/.test(one));
  check("refused_page.breaks_no_policy", policy.length === 0, policy);
}

async function home(page) {
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const answer = await page.goto(`${PROXY}/`, WAIT);
  const shown = await page.$eval("body", (body) => body.innerText);
  check("home.renders", answer.status() === 200 && shown.includes("衝立") && shown.includes("A relay inside the hospital"), shown);
  check("home.has_its_style", (await styled(page, ".mark", "display")) === "flex", await styled(page, ".mark", "display"));
  const fingerprint = new X509Certificate(readFileSync(CA)).fingerprint256;
  check("home.shows_the_fingerprint", shown.replace(/\s/g, "").replaceAll(":", "").includes(fingerprint.replaceAll(":", "")), shown);
  const policy = complaints.filter((one) => /Content Security Policy/.test(one) && !/favicon/.test(one));
  check("home.breaks_no_policy", policy.length === 0, policy);
}

/** By the proxy file: AI services through the gate, everything else past it. */
async function byProxyFile(page) {
  await direct("POST", "/__reset");
  await page.goto(PAGE, WAIT);
  const answer = await say(page, prompt, "#stream");
  check("pac.ai_host_goes_through_the_gate", answer.state === "done" && answer.text === `復唱: ${prompt}`, JSON.stringify(answer));
  await nothingLeaked("pac.asked", 1);
  const other = await page.goto("http://ward.example/page", WAIT);
  check("pac.other_host_goes_past_it", other.status() === 200 && !other.headers()["x-tsuitate-record"], other.status());
}

await browse("page", [`--proxy-server=${PROXY}`], async (page) => {
  await chatPage(page);
  await wardPage(page);
  await refusedPage(page);
  await home(page);
});
// The other host is known to the browser alone: the gate could not find it.
const other = `--host-resolver-rules=MAP ward.example ${new URL(STANDIN).host}`;
await browse("pac", [`--proxy-pac-url=${PROXY}/proxy.pac`, other], byProxyFile);
// Without the gate's root in its store the browser shows nothing at all.
const untrusted = async (page) => {
  const error = await page.goto(PAGE, WAIT).then(() => "the page was opened", (caught) => caught.message);
  check("stranger.does_not_trust_the_gate", error.includes("ERR_CERT_AUTHORITY_INVALID"), error);
};
await browse("stranger", [`--proxy-server=${PROXY}`], untrusted, `${process.env.HOME}/stranger`);
process.exit(failed ? 1 : 0);
