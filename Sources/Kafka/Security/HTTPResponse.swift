/// An HTTP/1.1 response that was read to the end of its connection. A pure value.
struct HTTPResponse: Equatable {
    let status: Int
    let body: [UInt8]

    /// Nil where the bytes are none, or not all of one.
    ///
    /// - Parameter needsLength: Also nil where only the end of the connection ends it.
    init?(_ bytes: [UInt8], needsLength: Bool = false) {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: Array("\r\n\r\n".utf8)) }) else {
            return nil
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].filter { $0 != " " }.lowercased()
        }
        let rest = bytes[(end + 4)...]
        if fields["transfer-encoding"] == "chunked" {
            guard let body = Self.joined(rest) else { return nil }
            self.body = body
        } else if let length = fields["content-length"] {
            guard let length = Int(length), length >= 0, rest.count >= length else { return nil }
            body = Array(rest.prefix(length))
        } else {
            if needsLength { return nil }
            body = Array(rest)
        }
    }

    /// Whether no more has to be read: true only where the response says its length, or that it was the last chunk.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        HTTPResponse(bytes, needsLength: true) != nil
    }

    private static func joined(_ chunks: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = chunks
        var body: [UInt8] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { return nil }
            rest = rest[(end + 1)...]
            if size == 0 { return body }
            guard size <= rest.count - 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return nil
    }
}
