// Unpacks the Chromium of @sparticuz/chromium, with the libraries and software renderer it needs, into the folder given.
// `inflate` puts everything below the system's temporary folder, so that is where we say it is.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";

process.env.TMPDIR = process.argv[2];
const packed = path.join(path.dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
for (const name of ["chromium.br", "swiftshader.tar.br", "al2023.tar.br"]) await inflate(path.join(packed, name));
