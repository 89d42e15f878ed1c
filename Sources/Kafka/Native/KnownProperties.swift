internal import CLibRDKafka
internal import Glibc

/// librdkafka's properties, as the library that is linked describes them itself.
package enum KnownProperties {
    /// What a property takes.
    enum Kind: Sendable, Equatable {
        case integer(ClosedRange<Int>)
        case float(ClosedRange<Double>)
        /// librdkafka looks at such values itself, and refuses those that are none.
        case other
    }

    struct Property: Sendable, Equatable {
        let kind: Kind
        /// The property that this one is a second name of.
        let original: String?
    }

    /// All that can be set by text, by name.
    static let all: [String: Property] = parse(table())

    package static let names: [String] = all.keys.sorted()

    /// What is wrong with a value, as the end of a sentence; nil where nothing is known to be.
    ///
    /// librdkafka reads the number that a text begins with and drops the rest (`32MiB` is 32, `1_000_000` is 1), takes
    /// `010` as 8, and lets numbers of more than 32 bits overflow.
    package static func flaw(of name: String, value: String) -> String? {
        switch all[name]?.kind {
        case .integer(let range):
            guard isNumber(value, withFraction: false), let number = Int(value), range.contains(number) else {
                return
                    "takes a whole number from \(range.lowerBound) to \(range.upperBound), without unit or separators"
            }
        case .float(let range):
            guard isNumber(value, withFraction: true), let number = Double(value), range.contains(number) else {
                return "takes a number from \(whole(range.lowerBound)) to \(whole(range.upperBound)), without unit"
            }
        case .other, nil: break
        }
        return nil
    }

    /// The other name of the same property that is given with another value: only one of them would hold.
    package static func contradiction(to name: String, in properties: [String: String]) -> String? {
        let own = all[name]?.original ?? name
        return properties.keys.sorted().first { other in
            other != name && (all[other]?.original ?? other) == own && properties[other] != properties[name]
        }
    }

    /// Decimal digits, with a sign before and a fraction behind at most.
    private static func isNumber(_ text: String, withFraction: Bool) -> Bool {
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= (withFraction ? 2 : 1), let whole = parts.first,
            whole.utf8.count == 1 || whole.first != "0"
        else { return false }
        return parts.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) } }
    }

    private static func whole(_ number: Double) -> Int { Int(number) }

    // MARK: The table

    /// What `rd_kafka_conf_properties_show` prints: Markdown, a property a line, its type at the end.
    private static func table() -> String {
        var text: UnsafeMutablePointer<CChar>?
        var length = 0
        guard let file = unsafe open_memstream(&text, &length) else { return "" }
        unsafe rd_kafka_conf_properties_show(file)
        unsafe fclose(file)
        defer { unsafe free(text) }
        return unsafe text.map { unsafe String(cString: $0) } ?? ""
    }

    static func parse(_ table: String) -> [String: Property] {
        var properties: [String: Property] = [:]
        for line in table.split(separator: "\n") {
            let cells = line.split(separator: "|", maxSplits: 3).map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            guard cells.count == 4, let type = word(in: line, after: "*Type: ", until: "*"),
                type != "see dedicated API"
            else { continue }
            let bounds = cells[2].split(separator: " ").filter { $0 != ".." }
            let kind: Kind? =
                switch type {
                case "integer": range(bounds, Int.init).map { .integer($0) }
                case "float": range(bounds, Double.init).map { .float($0) }
                default: nil
                }
            // A property of topics may have the name of one of the client, which then holds.
            guard properties[cells[0]] == nil else { continue }
            properties[cells[0]] = Property(
                kind: kind ?? .other, original: word(in: line, after: "Alias for `", until: "`"))
        }
        return properties
    }

    private static func range<Number: Comparable>(
        _ bounds: [Substring], _ read: (String) -> Number?
    ) -> ClosedRange<Number>? {
        let numbers = bounds.compactMap { read(String($0)) }
        return numbers.count == 2 && numbers[0] <= numbers[1] ? numbers[0]...numbers[1] : nil
    }

    private static func word(in line: Substring, after start: String, until end: Character) -> String? {
        line.firstRange(of: start).map { String(line[$0.upperBound...].prefix { $0 != end }) }
    }
}
