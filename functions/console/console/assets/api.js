const KEY_PLACE = "switchboard.key";
// The page may be below a stage name or a base path: /prod/console.
const BASE = location.pathname.replace(/\/console\/?$/, "");

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  get isAboutKey() {
    return this.status === 401 || this.status === 403;
  }
}

const storedKey = () => sessionStorage.getItem(KEY_PLACE);
const keepKey = (key) => sessionStorage.setItem(KEY_PLACE, key);
const forgetKey = () => sessionStorage.removeItem(KEY_PLACE);

async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  let response;
  try {
    response = await fetch(`${BASE}${path}${query.size ? `?${query}` : ""}`, {
      headers: { authorization: `Bearer ${storedKey()}` },
      cache: "no-store",
    });
  } catch {
    throw new ApiError(0, "The console's API cannot be reached. Trying again.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, body?.error?.message ?? `The console's API answered ${response.status}.`);
}

const askJson = async (path, parameters) => (await ask(path, parameters)).json();

async function saveRaw(traceId, which) {
  const response = await ask(`/api/traces/${encodeURIComponent(traceId)}/${which}`);
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = `${traceId}-${which}.${isStream ? "sse" : "json"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
