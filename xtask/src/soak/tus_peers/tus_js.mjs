// Uploads a file with tus-js-client and prints its address: node tus_js.mjs URL AUTHORIZATION FILE PIECE_BYTES
import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { Upload } from 'tus-js-client'

const [endpoint, authorization, path, pieceBytes] = process.argv.slice(2)
const upload = new Upload(createReadStream(path), {
  endpoint,
  uploadSize: statSync(path).size,
  chunkSize: Number(pieceBytes),
  retryDelays: Array(200).fill(20),
  headers: { authorization },
  metadata: { filename: basename(path) },
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => console.log(upload.url),
})
upload.start()
