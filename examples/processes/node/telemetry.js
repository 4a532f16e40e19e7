// What the service tells OpenTelemetry. Loaded before it: node --require ./telemetry.js inventory.js
// Where the spans go, under which name, and how soon: the environment says so (OTEL_*).
"use strict";

const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { defaultResource, detectResources, envDetector } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});

// The provider itself reads all of the environment but this.
const formats = process.env.OTEL_PROPAGATORS ?? "tracecontext,baggage";
provider.register({ propagator: formats.includes("tracecontext") ? undefined : null });

registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
