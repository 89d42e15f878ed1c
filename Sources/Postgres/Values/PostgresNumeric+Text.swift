extension PostgresNumeric: LosslessStringConvertible {
    /// Reads a number as PostgreSQL does: `-12.50`, `1e-7`, `NaN`, `Infinity`; `nil` if it is none, or beyond what PostgreSQL
    /// takes.
    public init?(_ text: String) {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
        switch rest.lowercased() {
        case "nan":
            guard rest.count == text.count else { return nil }
            self = .nan
            return
        case "infinity", "inf":
            self = isNegative ? .negativeInfinity : .infinity
            return
        default: break
        }
        var exponent = 0
        if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard let value = Int(rest[rest.index(after: mark)...]), abs(value) < 1_000_000 else { return nil }
            exponent = value
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let (whole, fraction) = (parts[0], parts.count == 2 ? parts[1] : "")
        let decimals = (whole + fraction).utf8.map { Int16($0) - 48 }
        guard !decimals.isEmpty, decimals.allSatisfy({ (0...9).contains($0) }) else { return nil }
        self.init(isNegative: isNegative, decimals: decimals, pointAt: whole.utf8.count + exponent)
    }

    /// - Parameters:
    ///   - decimals: the decimal digits.
    ///   - point: before which of them the point is; may lie outside.
    private init?(isNegative: Bool, decimals: [Int16], pointAt point: Int) {
        let scale = max(0, decimals.count - point)
        guard scale <= Self.maximumScale else { return nil }
        // The first group of four ends four, or fewer, decimal digits behind the first one that counts.
        let weight = (point + 3).flooredQuotient(by: 4) - 1
        guard weight <= Self.maximumWeight else { return nil }
        var index = point - (weight + 1) * 4
        var digits: [Int16] = []
        while index < decimals.count {
            var digit: Int16 = 0
            for place in index..<(index + 4) {
                digit = digit * 10 + (decimals.indices.contains(place) ? decimals[place] : 0)
            }
            digits.append(digit)
            index += 4
        }
        self.init(isNegative: isNegative, digits: digits, weight: weight, scale: scale)
    }

    /// The number as PostgreSQL shows it, with as many digits behind the point as its scale: `-12.50`, `NaN`, `Infinity`.
    public var description: String {
        switch form {
        case .nan: return "NaN"
        case .infinity: return "Infinity"
        case .negativeInfinity: return "-Infinity"
        case .finite: break
        }
        func group(_ power: Int) -> String {
            let index = weight - power
            let digits = String(digits.indices.contains(index) ? digits[index] : 0)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }
        let whole = weight < 0 ? "0" : String((0...weight).reversed().map(group).joined().drop { $0 == "0" })
        let groups = (scale + 3) / 4
        let fraction = groups == 0 ? "" : (1...groups).map { group(-$0) }.joined().prefix(scale)
        return (isNegative ? "-" : "") + (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}

extension Int {
    fileprivate func flooredQuotient(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}

extension Int {
    /// The integer that the number is; `nil` if it has a fraction, is no number, or does not fit.
    public init?(exactly number: PostgresNumeric) {
        guard number.isFinite, number.digits.count <= number.weight + 1, number.weight <= 5 else {
            if number == .zero { self = 0 } else { return nil }
            return
        }
        var value = 0
        for index in 0...number.weight {
            let digit = number.digits.indices.contains(index) ? Int(number.digits[index]) : 0
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10_000)
            // Counted down for negative numbers, since the least integer has no counterpart.
            let (sum, overflows) = product.addingReportingOverflow(number.isNegative ? -digit : digit)
            if isTooLarge || overflows { return nil }
            value = sum
        }
        self = value
    }
}

extension Double {
    /// The nearest value; infinite if the number is beyond all values.
    public init(_ number: PostgresNumeric) {
        switch number.form {
        case .nan: self = .nan
        case .infinity: self = .infinity
        case .negativeInfinity: self = -.infinity
        case .finite: self = Double(number.description) ?? 0
        }
    }
}
