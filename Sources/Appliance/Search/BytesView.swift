import EventSourcing

/// Bytes as people read them: JSON laid out over lines, text, or hexadecimal digits. A pure value.
struct BytesView: Sendable, Hashable {
    enum Kind: String, Sendable {
        case json, text, bytes
        case empty
        /// Not to be shown here.
        case hidden
        /// Too large to be read for a page.
        case large
    }

    let kind: Kind
    let size: Int
    let text: String
    /// Whether the text is only the beginning.
    let isCut: Bool

    /// Larger ones are not read.
    static let largest = 256 << 10
    private static let mostLines = 2_000
    private static let mostDigits = 1_024

    init(_ bytes: [UInt8], isHidden: Bool = false) {
        size = bytes.count
        if isHidden {
            (kind, text, isCut) = (.hidden, "", false)
        } else if bytes.isEmpty {
            (kind, text, isCut) = (.empty, "", false)
        } else if bytes.count > Self.largest {
            (kind, text, isCut) = (.large, "", true)
        } else if let lines = JSONLayout.lines(bytes, atMost: Self.mostLines + 1) {
            kind = .json
            isCut = lines.count > Self.mostLines
            text = lines.prefix(Self.mostLines).joined(separator: "\n")
        } else if let string = String(validating: bytes, as: UTF8.self) {
            (kind, text, isCut) = (.text, string, false)
        } else {
            kind = .bytes
            isCut = bytes.count > Self.mostDigits
            text = Self.digits(bytes.prefix(Self.mostDigits))
        }
    }

    /// What stayed in the database because of its size.
    init(withheld size: Int, isHidden: Bool) {
        self.size = size
        (kind, text, isCut) = (isHidden ? .hidden : .large, "", !isHidden)
    }

    private static func digits(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if index > 0 { text += index.isMultiple(of: 16) ? "\n" : " " }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }

    var html: HTML {
        let size = "\(CountText.format(self.size)) \(self.size == 1 ? "byte" : "bytes")"
        switch kind {
        case .empty: return "<p class=\"quiet\">Empty.</p>"
        case .hidden: return "<p class=\"quiet\">\(size), hidden by <code>admin.payloads: hidden</code>.</p>"
        case .large:
            return
                "<p class=\"quiet\">\(size), too large for a page: <code>godwit preview --position</code> shows up to 16 MiB.</p>"
        case .json, .text, .bytes:
            let cut: HTML = isCut ? "<p class=\"quiet\">Only the beginning is shown.</p>" : .empty
            return
                "<pre tabindex=\"0\"><code>\(text)</code></pre><p class=\"quiet\">\(size)\(kind == .json ? ", JSON, laid out" : kind == .bytes ? ", hexadecimal" : "")</p>\(cut)"
        }
    }
}
