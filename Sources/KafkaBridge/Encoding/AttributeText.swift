/// What CloudEvents allow as names and values of attributes.
///
/// Source: CloudEvents 1.0.2, "Naming Conventions" and "Type System".
package enum AttributeText {
    /// Longer names are to be avoided, says the standard.
    static let longestName = 20

    /// The attributes of the standard and of the extensions that Godwit's events have.
    package static let ofGodwit: Set<String> = [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "database64",
        "partitionkey", "traceparent", "tracestate", "baggage", "boundedcontext", "aggregatetype", "aggregateversion",
        "eventversion", "globalposition", "traceid", "correlationid", "causationid", "metadataleftout",
    ]

    /// The name of an attribute for a header's: its letters and digits, in lower case, as many as a name may have; `nil` where
    /// none is left.
    package static func name(_ text: String) -> String? {
        let legal = text.unicodeScalars.compactMap { scalar -> Character? in
            switch scalar {
            case "a"..."z", "0"..."9": Character(scalar)
            case "A"..."Z": Character(Unicode.Scalar(scalar.value + 32) ?? scalar)
            default: nil
            }
        }
        return legal.isEmpty ? nil : String(legal.prefix(longestName))
    }

    /// Whether a value may hold these bytes of UTF-8: no control characters and no code points that are no characters.
    static func isLegal(_ text: RawSpan) -> Bool {
        text.withUnsafeBytes { bytes in
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                switch byte {
                case 0..<0x20, 0x7f: return false
                case 0..<0x80: break
                case 0xc2 where index + 1 < bytes.count && bytes[index + 1] < 0xa0: return false
                case 0xef where index + 2 < bytes.count:
                    // U+FDD0 to U+FDEF, U+FFFE and U+FFFF.
                    let (second, third) = (bytes[index + 1], bytes[index + 2])
                    if second == 0xb7, (0x90...0xaf).contains(third) { return false }
                    if second == 0xbf, third >= 0xbe { return false }
                case 0xf0...0xf4 where index + 3 < bytes.count:
                    // The last two of each plane.
                    let (second, third, fourth) = (bytes[index + 1], bytes[index + 2], bytes[index + 3])
                    if second & 0x0f == 0x0f, third == 0xbf, fourth >= 0xbe { return false }
                default: break
                }
                index += 1
            }
            return true
        }
    }

    static func isLegal(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return isLegal(bytes.span.bytes)
    }
}
