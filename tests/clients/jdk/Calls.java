// The JDK's own HttpClient as it comes: on plain HTTP it offers an upgrade to HTTP/2 (h2c) with its first request.
// Prints one JSON line for each scenario, with the status and the body as they came.

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

class Calls {
    static final String MODEL = "gpt-4.1";
    static final String CLAUDE = "claude-sonnet-4-6";
    static final String DOWN_MODEL = "groq/llama-3.3-70b-versatile";
    static final String KEY = System.getenv("GATEWAY_KEY");
    static final String TOOLS = """
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]""";
    static final String SCHEMA = """
        "response_format": {"type": "json_schema", "json_schema": {"name": "booking", "strict": true, "schema": {
        "type": "object", "properties": {"name": {"type": "string"}, "guests": {"type": "integer"}},
        "required": ["name", "guests"], "additionalProperties": false}}}""";
    static final String CALLS_AND_RESULTS = """
        , {"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Graz\\"}"}},
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Linz\\"}"}}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "21 degrees and sunny in Graz"},
        {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees and sunny in Linz"}""";

    interface Scenario {
        String play() throws IOException, InterruptedException;
    }

    final HttpClient client;

    Calls() {
        HttpClient.Builder builder = HttpClient.newBuilder();
        if ("1.1".equals(System.getenv("HTTP_VERSION"))) builder.version(HttpClient.Version.HTTP_1_1);
        client = builder.build();
    }

    public static void main(String[] arguments) throws IOException {
        Calls calls = new Calls();
        print("text", () -> calls.whole("text", MODEL, KEY, "", "\"stream\": true"));
        print("tools", () -> calls.whole("tools", MODEL, KEY, "", "\"stream\": true, " + TOOLS));
        print("tools_result", () -> calls.whole("tools", MODEL, KEY, CALLS_AND_RESULTS, "\"stream\": true, " + TOOLS));
        print("claude", () -> calls.whole("claude", CLAUDE, KEY, "", "\"stream\": true, " + TOOLS));
        print("claude_result", () -> calls.whole("claude", CLAUDE, KEY, CALLS_AND_RESULTS, "\"stream\": true, " + TOOLS));
        print("structured", () -> calls.whole("structured", MODEL, KEY, "", SCHEMA));
        print("wrong_key", () -> calls.whole("wrong_key", MODEL, "sb-wrong", "", "\"stream\": true"));
        print("down", () -> calls.whole("down", DOWN_MODEL, KEY, "", "\"stream\": true"));
        print("cut", () -> calls.whole("cut", MODEL, KEY, "", "\"stream\": true"));
        print("cancel_early", calls::leaveEarly);
        print("cancel", calls::leave);
        System.in.readAllBytes(); // the process stays until the test has seen the provider's connection close
        System.exit(0);
    }

    static void print(String name, Scenario scenario) {
        String answer;
        try {
            answer = scenario.play();
        } catch (IOException | InterruptedException failure) {
            answer = "\"failed\": " + quoted(failure.toString());
        }
        System.out.println("{\"scenario\": " + quoted(name) + ", " + answer + "}");
    }

    String whole(String scenario, String model, String key, String history, String fields)
            throws IOException, InterruptedException {
        HttpRequest request = request(scenario, model, key, history, fields);
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        return "\"status\": " + response.statusCode() + ", \"body\": " + quoted(response.body());
    }

    /** Leaves before the first word, when a line on standard input says that the provider has the request. */
    String leaveEarly() throws IOException {
        HttpRequest request = request("cancel_early", MODEL, KEY, "", "\"stream\": true");
        CompletableFuture<HttpResponse<String>> response = client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
        System.in.read();
        double leftAt = System.currentTimeMillis() / 1000.0;
        if (!response.cancel(true)) return "\"failed\": " + quoted(response.join().body());
        return "\"text\": \"\", \"left_at\": " + leftAt;
    }

    String leave() throws IOException, InterruptedException {
        HttpRequest request = request("cancel", MODEL, KEY, "", "\"stream\": true");
        HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        StringBuilder body = new StringBuilder();
        double leftAt;
        try (InputStream stream = response.body()) {
            byte[] buffer = new byte[4096];
            for (int count; body.indexOf("two") < 0 && (count = stream.read(buffer)) >= 0; )
                body.append(new String(buffer, 0, count, StandardCharsets.US_ASCII));
            leftAt = System.currentTimeMillis() / 1000.0;
        }
        return "\"status\": " + response.statusCode() + ", \"body\": " + quoted(body.toString()) + ", \"left_at\": " + leftAt;
    }

    static HttpRequest request(String scenario, String model, String key, String history, String fields) {
        List<String> parts = new ArrayList<>();
        parts.add("\"model\": " + quoted(model));
        parts.add("\"messages\": [{\"role\": \"user\", \"content\": " + quoted(scenario) + "}" + history + "]");
        parts.add(fields);
        return HttpRequest.newBuilder(URI.create(System.getenv("GATEWAY_URL") + "/chat/completions"))
            .header("authorization", "Bearer " + key)
            .header("content-type", "application/json")
            .header("x-inference-task-id", System.getenv("CLIENT") + "-" + scenario)
            .POST(HttpRequest.BodyPublishers.ofString("{" + String.join(", ", parts) + "}"))
            .build();
    }

    static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char character : text.toCharArray()) {
            if (character == '"' || character == '\\') quoted.append('\\').append(character);
            else if (character < ' ' || character > '~') quoted.append(String.format("\\u%04x", (int) character));
            else quoted.append(character);
        }
        return quoted.append('"').toString();
    }
}
