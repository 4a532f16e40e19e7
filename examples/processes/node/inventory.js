// The service that knows what is on the shelves: POST /reserve {"order": 7, "articles": ["tea"]}
// node --require ./telemetry.js inventory.js PORT
"use strict";

const http = require("node:http");
const { context, trace } = require("@opentelemetry/api");
const { getRPCMetadata } = require("@opentelemetry/core");

const tracer = trace.getTracer("inventory");

function reserve(articles) {
  return tracer.startActiveSpan("take from shelf", (span) => {
    span.setAttribute("articles", articles.length);
    span.end();
    return { reserved: articles.length };
  });
}

async function answer(request, response) {
  if (request.method !== "POST" || request.url !== "/reserve") {
    response.writeHead(404).end();
    return;
  }
  // What the instrumentation of a web framework does: the server span is named after its route.
  getRPCMetadata(context.active()).route = "/reserve";
  let body = "";
  for await (const chunk of request) body += chunk;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(reserve(JSON.parse(body).articles)));
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
