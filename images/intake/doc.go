// Package intake takes pictures in: it checks a file from outside, makes the variants in which the picture is kept, and puts them into a store.
//
// Every file is hostile. Its size is bounded, and what it says its picture measures is read from its header and bounded before anything is decoded:
// a file of a few kilobytes may claim billions of pixels. Decoding is bounded in time, and pictures under way together are bounded in pixels, so
// that memory is. A decoder that panics refuses its file.
//
// JPEG, PNG, GIF (its first frame) and WebP are read; the first bytes decide, not a file's name. Pictures are turned as their EXIF orientation
// says and put on white where they are transparent. What is kept are new JPEG files: no byte of the original is in them, so neither is where it was
// taken, nor anything that is no picture.
package intake
