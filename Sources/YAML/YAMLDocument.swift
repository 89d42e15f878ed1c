internal import CYAML

extension YAMLNode {
    /// Reads the one document that a text holds; nil if it holds none.
    ///
    /// - Throws: ``YAMLProblem`` for the first thing that is wrong.
    package static func read(_ text: String) throws(YAMLProblem) -> YAMLNode? {
        // Some editors write a byte order mark, which libyaml does not expect where it is told the encoding.
        var text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        let result = text.withUTF8 { bytes in Result { () throws(YAMLProblem) in try unsafe read(bytes) } }
        return try result.get()
    }

    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLProblem) -> YAMLNode? {
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) == 1 else {
            throw YAMLProblem(line: 1, reason: "the file cannot be read as YAML")
        }
        defer { unsafe yaml_parser_delete(&parser) }
        unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)

        var document = unsafe yaml_document_t()
        guard unsafe yaml_parser_load(&parser, &document) == 1 else { throw unsafe problem(of: parser, in: bytes) }
        defer { unsafe yaml_document_delete(&document) }
        guard let root = unsafe yaml_document_get_root_node(&document) else { return nil }
        var left = mostNodes
        let node = try unsafe node(root, in: &document, depth: 0, &left)

        var next = unsafe yaml_document_t()
        guard unsafe yaml_parser_load(&parser, &next) == 1 else { throw unsafe problem(of: parser, in: bytes) }
        defer { unsafe yaml_document_delete(&next) }
        if unsafe yaml_document_get_root_node(&next) != nil {
            let line = unsafe Int(next.start_mark.line) + 1
            throw YAMLProblem(line: line, reason: "a second document begins here; only one is allowed")
        }
        return node
    }

    /// Bounds for what aliases can make of a small text: a node inside itself, or millions of nodes.
    private static let (mostNodes, mostDepth) = (100_000, 64)

    private static func node(
        _ pointer: UnsafeMutablePointer<yaml_node_t>, in document: inout yaml_document_t, depth: Int, _ left: inout Int
    ) throws(YAMLProblem) -> YAMLNode {
        let line = unsafe Int(pointer.pointee.start_mark.line) + 1
        let column = unsafe Int(pointer.pointee.start_mark.column) + 1
        left -= 1
        guard left > 0, depth < mostDepth else {
            throw YAMLProblem(line: line, reason: "too deep or too large; use fewer aliases")
        }
        switch unsafe pointer.pointee.type {
        case YAML_SEQUENCE_NODE:
            let items = unsafe pointer.pointee.data.sequence.items
            var nodes: [YAMLNode] = []
            var item = unsafe items.start
            while let index = unsafe item, unsafe index != items.top {
                nodes.append(try unsafe child(index.pointee, line, &document, depth, &left))
                unsafe item = index + 1
            }
            return YAMLNode(content: .sequence(nodes), line: line, column: column)
        case YAML_MAPPING_NODE:
            let pairs = unsafe pointer.pointee.data.mapping.pairs
            var entries: [(key: YAMLNode, value: YAMLNode)] = []
            var pair = unsafe pairs.start
            while let entry = unsafe pair, unsafe entry != pairs.top {
                let key = try unsafe child(entry.pointee.key, line, &document, depth, &left)
                entries.append((key, try unsafe child(entry.pointee.value, line, &document, depth, &left)))
                unsafe pair = entry + 1
            }
            try refuseDoubles(entries.map(\.key))
            return YAMLNode(content: .mapping(entries), line: line, column: column)
        default:
            let scalar = unsafe pointer.pointee.data.scalar
            // A scalar may hold NUL.
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE || scalar.style == YAML_ANY_SCALAR_STYLE
            return unsafe YAMLNode(
                content: .scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain), line: line, column: column)
        }
    }

    private static func child(
        _ index: Int32, _ line: Int, _ document: inout yaml_document_t, _ depth: Int, _ left: inout Int
    ) throws(YAMLProblem) -> YAMLNode {
        guard let pointer = unsafe yaml_document_get_node(&document, index) else {
            throw YAMLProblem(line: line, reason: "the file cannot be read as YAML")
        }
        return try unsafe node(pointer, in: &document, depth: depth + 1, &left)
    }

    private static func refuseDoubles(_ keys: [YAMLNode]) throws(YAMLProblem) {
        var lines: [String: Int] = [:]
        for key in keys {
            guard let text = key.text else { continue }
            if let line = lines.updateValue(key.line, forKey: text) {
                throw YAMLProblem(
                    line: line, column: key.column, reason: "the key \"\(text)\" is given more than once; keep one")
            }
        }
    }

    private static func problem(
        of parser: borrowing yaml_parser_t, in bytes: UnsafeBufferPointer<UInt8>
    ) -> YAMLProblem {
        let reason = unsafe parser.problem.map { unsafe String(cString: $0) } ?? "it cannot be read"
        switch unsafe parser.error {
        case YAML_READER_ERROR:
            let before = unsafe bytes.prefix(parser.problem_offset)
            let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
            return YAMLProblem(
                line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: column,
                reason: "the file is not UTF-8 text: \(reason)")
        case YAML_SCANNER_ERROR, YAML_PARSER_ERROR, YAML_COMPOSER_ERROR:
            let mark = unsafe parser.problem_mark
            // The mark counts characters.
            let character = unsafe String(decoding: bytes, as: UTF8.self).unicodeScalars.dropFirst(mark.index).first
            let hint = character == "\t" ? "; there is a tab, indent with spaces" : ""
            return YAMLProblem(
                line: Int(mark.line) + 1, column: Int(mark.column) + 1,
                reason: "this is not YAML: \(reason) (column \(mark.column + 1))\(hint)")
        default:
            return YAMLProblem(line: 1, reason: "the file cannot be read as YAML")
        }
    }
}
