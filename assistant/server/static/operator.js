// The operator's page: one day of redacted calls (docs/live-calls.md).
const $ = (id) => document.getElementById(id);
const STEPS = {
  answered: "Được trả lời", wanted_reset: "Muốn cấp lại", gave_code: "Đã cho mã số",
  confirmed: "Đã xác nhận", got_password: "Được cấp mật khẩu", wrote_it_down: "Ghi xong",
};
const ENDS = {
  done: "xong việc", caller_stopped: "người gọi dừng", caller_hung_up: "gác máy giữa chừng",
  hung_up_done: "có mật khẩu rồi gác máy",
  refused: "bị từ chối", no_input: "im lặng", not_understood: "không hiểu nhau",
  agent: "chuyển tổng đài viên", failed: "trục trặc", busy: "đường dây bận",
};
const STAGES = {
  decode: "Nghe", understand: "Hiểu", dialogue: "Đáp", account: "Tài khoản", render: "Tiếng", total: "Cả lượt",
};
const SVG = "http://www.w3.org/2000/svg";
const CHANNELS = { browser: "trang web", twilio: "Twilio", audiosocket: "Asterisk", sip: "SIP" };
const WIDTH = 480, ROW = 30, LEFT = 170, RIGHT = 120;

function draw(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// Bars from a list of { label, value, note, mark, lost }.
function bars(rows, title) {
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${rows.length * ROW}`, role: "img" });
  picture.append(draw("title", {}, `${title}: ${rows.map((r) => `${r.label} ${r.note}`).join("; ")}`));
  const most = Math.max(1e-9, ...rows.map((row) => row.value));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  rows.forEach((row, i) => {
    const y = i * ROW;
    picture.append(draw("text", { x: LEFT - 8, y: y + 19, "text-anchor": "end" }, row.label));
    picture.append(draw("rect", { class: "bar", x: LEFT, y: y + 5, height: ROW - 10, rx: 3, width: Math.max(1, row.value * scale) }));
    const end = LEFT + (row.value + (row.lost ?? 0)) * scale;
    if (row.lost) {
      const x = LEFT + row.value * scale;
      picture.append(draw("rect", { class: "lost", x, y: y + 5, height: ROW - 10, rx: 3, width: end - x }));
    }
    if (row.mark !== undefined) {
      const x = LEFT + row.mark * scale;
      picture.append(draw("line", { class: "mark", x1: x, x2: x, y1: y + 3, y2: y + ROW - 3 }));
    }
    picture.append(draw("text", { class: "soft", x: end + 6, y: y + 19 }, row.note));
  });
  return picture;
}

function funnel(calls, steps) {
  const counts = steps.map((step) => calls.filter((call) => call.steps.includes(step)).length);
  return steps.map((step, i) => {
    const lost = i ? counts[i - 1] - counts[i] : 0;
    const share = counts[0] ? Math.round((100 * counts[i]) / counts[0]) : 0;
    const note = `${counts[i]} (${share}%)${lost ? `, mất ${lost}` : ""}`;
    return { label: STEPS[step] ?? step, value: counts[i], note, lost };
  });
}

// Who hangs up with the password in hand has not dropped out.
const endOf = ({ ended, resets }) => (ended === "caller_hung_up" && resets ? "hung_up_done" : ended);

function ends(calls) {
  const counts = new Map();
  for (const end of calls.map(endOf)) counts.set(end, (counts.get(end) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])
    .map(([end, count]) => ({ label: ENDS[end] ?? end, value: count, note: `${count}` }));
}

function percentile(sorted, share) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 0;
}

const total = (timings) => ["decode", "understand", "dialogue", "account", "render"]
  .reduce((sum, stage) => sum + (timings[stage] ?? 0), 0);

const brief = (ms) => ms.toFixed(ms < 10 ? 1 : 0);

function latency(calls) {
  const turns = calls.flatMap((call) => call.turns.map((turn) => turn.timings));
  return Object.entries(STAGES).map(([stage, label]) => {
    const values = turns.map((t) => (stage === "total" ? (t.waited == null ? null : total(t)) : t[stage]))
      .filter((value) => value != null).sort((a, b) => a - b);
    const [middle, high] = [percentile(values, 0.5), percentile(values, 0.95)];
    return { label, value: high, mark: middle, note: values.length ? `${brief(middle)} / ${brief(high)}` : "–" };
  });
}

const clock = (time) => new Date(time).toLocaleTimeString("vi");

function row(call) {
  const line = document.createElement("tr");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Xem";
  button.setAttribute("aria-label", `Xem diễn biến cuộc gọi lúc ${clock(call.began)}`);
  button.addEventListener("click", () => timeline(call));
  const end = endOf(call);
  const cells = [clock(call.began), CHANNELS[call.channel] ?? call.channel, call.seconds.toFixed(1), ENDS[end] ?? end, call.resets || ""];
  for (const text of cells) line.insertCell().textContent = text;
  line.insertCell(1).append(button); // beside the time: on a narrow screen the rest is scrolled to
  return line;
}

function timeline(call) {
  const items = [];
  for (const turn of call.turns) {
    if (turn.prompt) items.push(event(turn.asked, "us", "Trợ lý", turn.prompt));
    if (turn.ended != null) {
      const said = turn.said || "(im lặng)";
      const took = `tính ${total(turn.timings).toFixed(1)} ms${turn.intent ? `, ${turn.intent}` : ""}`;
      items.push(event(turn.listened ?? turn.asked, "caller", turn.by_keys ? "Phím" : "Người gọi", said, took));
    }
  }
  $("one-title").textContent = `Diễn biến cuộc gọi lúc ${clock(call.began)} (số đã che)`;
  $("timeline").replaceChildren(...items);
  $("one").hidden = false;
  $("one").scrollIntoView({ block: "nearest" });
}

function event(at, who, name, text, took = "") {
  const item = document.createElement("li");
  item.className = who;
  const parts = [["span", "at", `${at.toFixed(1)} s`], ["b", "", name], ["span", "", text]].map(([tag, style, content]) => {
    const part = document.createElement(tag);
    part.className = style;
    part.textContent = content;
    return part;
  });
  if (took) {
    const note = document.createElement("span");
    note.className = "took";
    note.textContent = ` – ${took}`;
    parts[2].append(note);
  }
  item.append(...parts);
  return item;
}

// The day is that of the operator's own clock.
async function fetched() {
  const day = $("day").value;
  const east = -new Date(`${day}T12:00`).getTimezoneOffset();
  $("problem").hidden = true;
  try {
    const answer = await fetch(`/operator/calls?day=${day}&east=${east}`);
    if (answer.ok) return await answer.json();
    $("problem").textContent = answer.status === 401
      ? "Mã truy cập không còn đúng: mở lại địa chỉ có ?token=… in ra lúc khởi động."
      : "Ngày không đúng.";
  } catch {
    $("problem").textContent = "Không tới được máy chủ: xem nó còn chạy không, rồi bấm Tải lại.";
  }
  $("problem").hidden = false;
  return { calls: [], steps: [] };
}

async function load() {
  const { calls, steps } = await fetched();
  const resets = calls.reduce((sum, call) => sum + call.resets, 0);
  $("summary").textContent = calls.length
    ? `${calls.length} cuộc gọi, ${resets} lần cấp mật khẩu.` : "Ngày này chưa có cuộc gọi nào.";
  $("funnel").replaceChildren(bars(funnel(calls, steps), "Người gọi dừng ở đâu"));
  $("ends").replaceChildren(bars(ends(calls), "Kết thúc"));
  $("latency").replaceChildren(bars(latency(calls), "Thời gian tính"));
  $("calls").replaceChildren(...calls.slice().reverse().map(row));
  $("one").hidden = true;
}

$("day").value = new Date().toLocaleDateString("sv"); // the Swedish way is ISO's
$("again").addEventListener("click", load);
$("day").addEventListener("change", load);
load();
