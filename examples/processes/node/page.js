// What the page does, and what it tells OpenTelemetry.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

// A page has no environment: the shop, which serves it, says where its spans go.
const url = document.querySelector("meta[name=traces]").content;

const exporter = new OTLPTraceExporter({ url });
const provider = new WebTracerProvider({
  resource: defaultResource().merge(resourceFromAttributes({ "service.name": "browser" })),
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 50 })],
});
provider.register();
registerInstrumentations({ instrumentations: [new FetchInstrumentation({ ignoreUrls: [url] })] });

const tracer = provider.getTracer("page");
const button = document.querySelector("button");
const output = document.querySelector("output");

async function buy(order) {
  const response = await fetch("/checkout", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ order }),
  });
  const answer = await response.json();
  return response.ok ? `paid ${answer.cents} cents` : answer.detail;
}

// The span lasts as long as the customer waits.
button.addEventListener("click", () =>
  tracer.startActiveSpan(`click ${button.textContent}`, async (span) => {
    output.textContent = await buy(Number(button.value));
    span.end();
  }),
);
