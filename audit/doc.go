// Package audit writes one line for every release of a credential and every administrative act to a file of its own, so that it shows
// later who had which credential, who changed what, and whether anybody changed the file.
//
// A line is a JSON object. It begins with its number and the hash of the line before, and ends with its own hash, which covers all
// that stands before it: SHA-256, or HMAC-SHA-256 where there is a key. Files are rotated by size, and the chain goes on from one to the
// next and over restarts. Verify says where a line was changed, removed or inserted.
//
// # Promises
//
//   - Nobody who has reserved a Slot waits for the disk, and what is written to a Slot is written to the file, in order, once the disk
//     takes it: about 10 ms later, and synced. Where it does not for long, Reserve fails (or, with Config.Drop, entries are
//     dropped, counted, and a line says how many).
//   - Memory is bounded: 16,384 entries wait at most.
//   - The file can be read by its owner only, and is locked where the system can do that.
//
// # What it does not do
//
// A process that is killed loses what is not written yet; the next start shows that there was no stop. Whoever can write the file can
// cut off its end, and without a key make the whole chain anew: keep numbers and hashes of last lines elsewhere, and give them to Verify.
//
// A Log may be used concurrently; a nil one takes everything and writes nothing.
package audit
