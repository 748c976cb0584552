package intake

import (
	"bytes"
	"encoding/binary"
)

// upright is the orientation of a picture that is stored as it is looked at.
const upright = 1

// maxTags bounds how many entries of a directory are looked at: cameras write some dozens.
const maxTags = 512

// orientation reads how a picture is to be turned from its EXIF data: 1 to 8, upright unless it says something that can be understood. That is tag
// 0x0112 of the first directory of a TIFF file. https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf, 4.5 and 4.6.4
func orientation(exif []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(exif, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(exif, []byte("MM\x00*")):
		order = binary.BigEndian
	}
	if order == nil || len(exif) < 8 {
		return upright
	}
	at := int64(order.Uint32(exif[4:]))
	if at+2 > int64(len(exif)) {
		return upright
	}
	tags := exif[at+2:]
	for range min(int(order.Uint16(exif[at:])), maxTags) {
		if len(tags) < 12 {
			break
		}
		const orientationTag, short = 0x0112, 3
		if order.Uint16(tags) == orientationTag && order.Uint16(tags[2:]) == short && order.Uint32(tags[4:]) == 1 {
			if o := int(order.Uint16(tags[8:])); o >= 1 && o <= 8 {
				return o
			}
		}
		tags = tags[12:]
	}
	return upright
}

var exifMark = []byte("Exif\x00\x00")

// exifOfJPEG finds the segment APP1 that holds EXIF data, before the picture begins.
func exifOfJPEG(file []byte) []byte {
	const marker, app1, startOfScan, standalone = 0xff, 0xe1, 0xda, 0xd0
	for rest := file[min(2, len(file)):]; len(rest) >= 4 && rest[0] == marker; {
		kind := rest[1]
		if kind == marker { // padding
			rest = rest[1:]
			continue
		}
		if kind&0xf8 == standalone || kind == 0x01 { // restarts have no length
			rest = rest[2:]
			continue
		}
		size := int(binary.BigEndian.Uint16(rest[2:])) + 2
		if kind == startOfScan || size > len(rest) || size < 4 {
			return nil
		}
		if kind == app1 && bytes.HasPrefix(rest[4:size], exifMark) {
			return rest[4+len(exifMark) : size]
		}
		rest = rest[size:]
	}
	return nil
}

// exifOfPNG finds the chunk eXIf. https://www.w3.org/TR/png-3/#eXIf
func exifOfPNG(file []byte) []byte {
	for rest := file[min(8, len(file)):]; len(rest) >= 12; {
		size := int64(binary.BigEndian.Uint32(rest))
		if size > int64(len(rest)-12) {
			return nil
		}
		if string(rest[4:8]) == "eXIf" {
			return rest[8 : 8+size]
		}
		rest = rest[12+size:]
	}
	return nil
}

// exifOfWebP finds the chunk EXIF. Some programs begin it as a JPEG does.
func exifOfWebP(file []byte) []byte {
	for id, chunk := range webpChunks(file) {
		if id == "EXIF" {
			return bytes.TrimPrefix(chunk, exifMark)
		}
	}
	return nil
}
