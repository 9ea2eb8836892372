// The endpoint as a good tutorial has it: the client at module level, everything else in each call.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { answer, readToken } from "./endpoint.mjs";

const client = new DynamoDBClient({});

export const handler = (event) => answer(event, client, (hash) => readToken(client, hash));
