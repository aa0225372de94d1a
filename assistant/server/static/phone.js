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
const STAGES = ["waited", "decode", "understand", "dialogue", "account", "render"];
let call = null; // { socket, context, node, stream }

const say = (text) => { $("state").textContent = text; };
const problem = (text) => { $("problem").textContent = text; $("problem").hidden = !text; };

async function microphone() {
  const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch {
    problem("Không dùng được micro: hãy cho phép trong trình duyệt, hoặc chỉ bấm phím. Ngoài máy này cần https.");
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
  $("caller").blur(); // from now on the digit keys are the keypad
  say("Đang gọi…");
  const now = (call = {});
  now.context = new AudioContext({ latencyHint: "interactive" });
  await now.context.audioWorklet.addModule("/static/worklet.js");
  now.stream = await microphone();
  if (call !== now) return close(now);
  now.node = new AudioWorkletNode(now.context, "phone", { outputChannelCount: [1] });
  now.node.connect(now.context.destination);
  if (now.stream) now.context.createMediaStreamSource(now.stream).connect(now.node);
  now.node.port.postMessage($("mute").checked);
  await now.context.resume();
  connect(now);
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
    $("hangup").disabled = false;
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) now.node.port.postMessage(data, [data]);
    else HEARD[JSON.parse(data).type]?.(JSON.parse(data), now);
  };
  socket.onclose = ({ code }) => {
    if (code === 1013) problem("Các đường dây đều bận, xin gọi lại sau ít phút.");
    else if (code !== 1000) problem("Mất kết nối với máy chủ.");
    finish(now);
  };
}

const HEARD = {
  prompt: (news) => line("us", "Trợ lý", news),
  heard: (news) => line("caller", news.keys ? "Người gọi bấm" : "Người gọi", news),
  partial: (news) => { $("partial").textContent = news.text; },
  flush: (_, now) => now.node.port.postMessage("flush"),
  state: ({ state, expect }) => {
    if (state !== "ended") say(STATES[state] + (expect ? ` – ${EXPECTS[expect] ?? expect}` : ""));
  },
  timings: (news) => {
    const row = $("times").insertRow();
    const cells = STAGES.map((s) => (news[s] == null ? "" : news[s].toFixed(s === "waited" ? 2 : 1)));
    [`${news.turn + 1}`, ...cells].forEach((text) => { row.insertCell().textContent = text; });
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
  $("talk").scrollTop = $("talk").scrollHeight;
}

function reveal() {
  for (const words of document.querySelectorAll("#talk span")) {
    const text = ($("show").checked && words.dataset.shown) || words.dataset.masked;
    if (words.textContent !== text) words.textContent = text;
  }
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
  setTimeout(() => close(now), 300); // the last word is still being played
  $("call").disabled = $("caller").readOnly = false;
  $("hangup").disabled = true;
  $("mic").value = 0;
  $("partial").textContent = "";
  say(now.reason ?? "Đã kết thúc.");
}

$("dial").addEventListener("submit", dial);
$("hangup").addEventListener("click", hangUp);
$("show").addEventListener("change", reveal);
$("mute").addEventListener("change", () => call?.node?.port.postMessage($("mute").checked));
$("keys").addEventListener("click", ({ target }) => target.matches("button") && press(target.textContent));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape") hangUp();
  if ((call || event.target !== $("caller")) && /^[0-9*#]$/.test(event.key)) press(event.key);
});
