// The browser phone: one call at a time over one WebSocket (docs/live-calls.md).
const $ = (id) => document.getElementById(id);
const STATES = {
  listening: "Đang nghe",
  speaking: "Trợ lý đang nói",
  working: "Đang xử lý",
  ended: "Đã kết thúc",
};
const EXPECTS = {
  menu: "chờ yêu cầu", code: "chờ mã số", confirm: "chờ xác nhận",
  secret: "chờ ghi mật khẩu", more: "chờ yêu cầu khác",
};
const REASONS = {
  done: "xong việc", caller_stopped: "người gọi dừng", caller_hung_up: "đã gác máy",
  refused: "bị từ chối", no_input: "không nghe thấy người gọi", not_understood: "không hiểu nhau",
  agent: "chuyển tổng đài viên", failed: "trục trặc của hệ thống", busy: "các đường dây đều bận",
};
const STAGES = ["decode", "understand", "dialogue", "account", "render"];
const MASKED = /(•[•\s]*)/; // digits that are not shown
let call = null; // { socket, context, node, stream }

// Aloud: to a screen reader too. Not every change of state: it would talk over the assistant.
function say(text, aloud = true) {
  $("state").setAttribute("aria-live", aloud ? "polite" : "off");
  $("state").textContent = text;
}
const problem = (text) => { $("problem").textContent = text; $("problem").hidden = !text; };

const NO_MICROPHONE = {
  NotAllowedError: "Trình duyệt chưa cho dùng micro: bấm vào biểu tượng cạnh địa chỉ trang để cho phép, rồi gọi lại.",
  NotFoundError: "Máy này không có micro: cắm micro rồi gọi lại.",
  NotReadableError: "Chương trình khác đang giữ micro: đóng nó rồi gọi lại.",
};

async function microphone() {
  const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch ({ name }) {
    problem(`${NO_MICROPHONE[name] ?? "Không dùng được micro."} Lúc này vẫn nghe được và bấm phím được.`);
    return null;
  }
}

async function dial(event) {
  event.preventDefault();
  if (call) return;
  problem("");
  $("talk").replaceChildren();
  $("times").replaceChildren();
  $("partial").textContent = "";
  $("show-row").hidden = true;
  $("call").disabled = $("caller").readOnly = true;
  $("hangup").disabled = false;
  $("caller").blur(); // from now on the digit keys are the keypad
  document.body.classList.add("busy");
  say("Đang gọi…");
  const now = (call = {});
  try {
    await openSound(now);
  } catch {
    problem(window.isSecureContext
      ? "Không mở được âm thanh, hoặc mất kết nối với máy chủ: xem máy chủ còn chạy không, tải lại trang rồi gọi lại."
      : "Trình duyệt chỉ cho gọi qua https, hoặc từ chính máy này (127.0.0.1).");
    return finish(now);
  }
  if (call === now) connect(now);
}

async function openSound(now) {
  now.context = new AudioContext({ latencyHint: "interactive" });
  await now.context.audioWorklet.addModule("/static/worklet.js");
  now.stream = await microphone();
  if (call !== now) return close(now); // hung up while the browser was asking
  now.node = new AudioWorkletNode(now.context, "phone", { outputChannelCount: [1] });
  now.node.connect(now.context.destination);
  if (now.stream) now.context.createMediaStreamSource(now.stream).connect(now.node);
  now.node.port.postMessage($("mute").checked);
  await now.context.resume();
}

function connect(now) {
  const socket = (now.socket = new WebSocket(`${location.origin.replace("http", "ws")}/phone`));
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    const rate = now.context.sampleRate;
    socket.send(JSON.stringify({ type: "start", caller: $("caller").value, rate }));
    now.node.port.onmessage = ({ data }) => {
      meter(data);
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    };
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) now.node.port.postMessage(data, [data]);
    else HEARD[JSON.parse(data).type]?.(JSON.parse(data), now);
  };
  socket.onclose = ({ code }) => {
    if (code === 1013) problem("Các đường dây đều bận, xin gọi lại sau ít phút.");
    else if (code !== 1000) problem("Mất kết nối với máy chủ, cuộc gọi bị ngắt: xem máy chủ còn chạy không rồi gọi lại.");
    finish(now);
  };
}

const HEARD = {
  prompt: (news) => line("us", "Trợ lý", news),
  heard: (news) => line("caller", news.keys ? "Người gọi bấm" : "Người gọi", news),
  partial: (news) => { $("partial").textContent = news.text; },
  flush: (_, now) => now.node.port.postMessage("flush"),
  state: ({ state, expect }) => {
    if (state !== "ended") say(STATES[state] + (expect ? ` – ${EXPECTS[expect] ?? expect}` : ""), false);
  },
  timings: (news) => {
    const row = $("times").insertRow();
    const took = STAGES.map((stage) => news[stage]);
    const all = took.reduce((sum, one) => sum + (one ?? 0), 0);
    const cells = [...took, all].map((ms) => (ms == null ? "" : ms.toFixed(1)));
    const waited = news.waited == null ? "" : news.waited.toFixed(2);
    [`${news.turn + 1}`, waited, ...cells].forEach((text) => { row.insertCell().textContent = text; });
  },
  ended: ({ reason, resets }, now) => {
    now.reason = `Đã kết thúc: ${REASONS[reason] ?? reason}.` + (resets ? ` Đã cấp mật khẩu ${resets} lần.` : "");
  },
};

// Digits are masked; what the server adds in plain for invented accounts is shown on demand.
function line(who, name, { text, shown, at }) {
  const item = document.createElement("li");
  item.className = who;
  const label = document.createElement("b");
  label.textContent = `${name}, ${at.toFixed(1)} s`;
  const words = document.createElement("span");
  words.dataset.masked = text || "(im lặng)";
  if (shown && shown !== text) {
    words.dataset.shown = shown;
    $("show-row").hidden = false;
  }
  item.append(label, words);
  $("talk").append(item);
  $("partial").textContent = "";
  reveal();
  showNewest();
}

function showNewest() {
  $("talk").scrollTop = $("talk").scrollHeight;
}

function reveal() {
  for (const words of document.querySelectorAll("#talk li > span")) {
    const text = ($("show").checked && words.dataset.shown) || words.dataset.masked;
    if (words.dataset.now !== text) words.replaceChildren(...text.split(MASKED).map(spoken));
    words.dataset.now = text;
  }
}

// Dots are for the eye; a screen reader says what they stand for.
function spoken(part) {
  if (!MASKED.test(part)) return part;
  const both = document.createElement("i");
  const dots = document.createElement("i");
  dots.setAttribute("aria-hidden", "true");
  dots.textContent = part;
  const name = document.createElement("i");
  name.className = "unseen";
  name.textContent = "số đã che ";
  both.append(dots, name);
  return both;
}

function meter(data) {
  let peak = 0;
  for (const sample of new Int16Array(data)) peak = Math.max(peak, Math.abs(sample));
  $("mic").value = Math.max(peak / 32768, $("mic").value * 0.9);
}

function press(key) {
  if (call?.socket?.readyState !== WebSocket.OPEN) {
    if (!call && key !== "*" && key !== "#") $("caller").value += key;
    return;
  }
  call.socket.send(JSON.stringify({ type: "key", key }));
  const button = [...$("keys").children].find((b) => b.textContent === key);
  button?.classList.add("down");
  setTimeout(() => button?.classList.remove("down"), 150);
}

function hangUp() {
  if (call?.socket?.readyState === WebSocket.OPEN) call.socket.send('{"type":"hangup"}');
  else if (call) finish(call);
}

function close(old) {
  old.stream?.getTracks().forEach((track) => track.stop());
  old.context?.close();
}

function finish(now) {
  if (call !== now) return;
  call = null;
  if (now.node) now.node.port.onmessage = null; // the meter too is over
  setTimeout(() => close(now), 300); // the last word is still being played
  $("call").disabled = $("caller").readOnly = false;
  $("hangup").disabled = true;
  if (document.activeElement === document.body) $("call").focus();
  document.body.classList.remove("busy");
  $("mic").value = 0;
  $("partial").textContent = "";
  say(now.reason ?? "Đã kết thúc.");
}

$("dial").addEventListener("submit", dial);
$("hangup").addEventListener("click", hangUp);
$("show").addEventListener("change", reveal);
new ResizeObserver(showNewest).observe($("talk")); // a narrower window breaks lines anew
$("aloud").addEventListener("change", () => {
  $("talk").setAttribute("aria-live", $("aloud").checked ? "polite" : "off");
});
$("mute").addEventListener("change", () => call?.node?.port.postMessage($("mute").checked));
$("keys").addEventListener("click", ({ target }) => target.matches("button") && press(target.textContent));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape") hangUp();
  if (call && /^[0-9*#]$/.test(event.key)) press(event.key);
});
