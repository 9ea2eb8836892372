// The endpoint with what an engineer does who cares for its speed: bundled into one file, the settings given instead of
// looked for, the connection opened while Lambda initialises, and a good token remembered for a minute.

import { readFileSync } from "node:fs";
import { Agent } from "node:https";

import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";

import { answer, readToken } from "./endpoint.mjs";

const { env } = process;
const client = new DynamoDBClient({
  region: env.AWS_REGION,
  endpoint: env.AWS_ENDPOINT_URL_DYNAMODB,
  credentials: {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  },
  // Only the roots that can vouch for DynamoDB: Node's own are some 140.
  requestHandler: { httpsAgent: new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(env.AWS_CA_BUNDLE) }) },
});

const TOKEN_MEMORY_MILLISECONDS = 60_000;
const TOKENS_MAX = 1024;
const remembered = new Map();

async function findToken(hash) {
  const known = remembered.get(hash);
  if (known && Date.now() < known.until) {
    return known.token;
  }
  const token = await readToken(client, hash);
  if (token) {
    if (remembered.size >= TOKENS_MAX) {
      remembered.clear();
    }
    remembered.set(hash, { token, until: Date.now() + TOKEN_MEMORY_MILLISECONDS });
  }
  return token;
}

try {
  const nothing = { partition_key: { S: "STAGE#" } };
  await client.send(new GetItemCommand({ TableName: env.TABLE_NAME, Key: nothing }));
} catch {
  // The first request will try again, and say what is wrong.
}

export const handler = (event) => answer(event, client, findToken);
