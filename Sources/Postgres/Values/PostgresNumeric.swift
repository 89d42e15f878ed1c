/// A number of PostgreSQL's `numeric`, exact at any size: decimal digits, or not a number, or an infinity.
///
/// Numbers are equal when they have the same value, whatever their scale: `1.50` and `1.5` are. As in PostgreSQL, `nan` equals
/// itself and is greater than every other number.
public struct PostgresNumeric: Sendable {
    enum Form: Sendable, Hashable {
        case negativeInfinity, finite, infinity, nan
    }

    let form: Form
    let isNegative: Bool
    /// Digits to the base of 10,000, the most significant first, without zeros at either end.
    let digits: [Int16]
    /// The power of 10,000 that the first digit counts.
    let weight: Int
    /// How many decimal digits are shown behind the point; at least as many as there are.
    public let scale: Int

    /// Not a number.
    public static let nan = PostgresNumeric(form: .nan)
    /// Greater than every number.
    public static let infinity = PostgresNumeric(form: .infinity)
    /// Less than every number.
    public static let negativeInfinity = PostgresNumeric(form: .negativeInfinity)
    /// Nothing.
    public static let zero = PostgresNumeric(form: .finite)

    private init(form: Form) {
        self.init(form: form, isNegative: form == .negativeInfinity, digits: [], weight: 0, scale: 0)
    }

    /// The most digits behind the point, and the highest power of 10,000, that PostgreSQL takes.
    static let maximumScale = 16_383
    static let maximumWeight = 32_767

    /// Takes the digits as they are, but for zeros at either end.
    init(form: Form = .finite, isNegative: Bool, digits: [Int16], weight: Int, scale: Int) {
        let leading = digits.prefix { $0 == 0 }.count
        var significant = digits[leading...]
        while significant.last == 0 { significant.removeLast() }
        self.form = form
        self.digits = Array(significant)
        self.weight = significant.isEmpty ? 0 : weight - leading
        self.isNegative = isNegative && (form != .finite || !significant.isEmpty)
        self.scale = scale
    }

    /// Whether it is a number, rather than `nan` or an infinity.
    public var isFinite: Bool { form == .finite }

    /// An integer, exactly.
    public init(_ integer: some BinaryInteger) {
        var rest = integer.magnitude
        var digits: [Int16] = []
        while rest > 0 {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10_000)
            digits.append(Int16(truncatingIfNeeded: remainder))
            rest = quotient
        }
        self.init(isNegative: integer < 0, digits: digits.reversed(), weight: digits.count - 1, scale: 0)
    }
}

extension PostgresNumeric: Hashable, Comparable {
    /// Whether the values are the same, whatever the scales.
    public static func == (left: PostgresNumeric, right: PostgresNumeric) -> Bool {
        left.form == right.form && left.isNegative == right.isNegative && left.weight == right.weight
            && left.digits == right.digits
    }

    /// Hashes the value.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(form)
        hasher.combine(isNegative)
        hasher.combine(weight)
        hasher.combine(digits)
    }

    /// PostgreSQL's order.
    public static func < (left: PostgresNumeric, right: PostgresNumeric) -> Bool {
        let (leftClass, rightClass) = (left.orderClass, right.orderClass)
        if leftClass != rightClass { return leftClass < rightClass }
        guard left.form == .finite else { return false }
        return left.isNegative ? right.isSmallerInSize(than: left) : left.isSmallerInSize(than: right)
    }

    private var orderClass: Int {
        switch form {
        case .negativeInfinity: -2
        case .finite: digits.isEmpty ? 0 : isNegative ? -1 : 1
        case .infinity: 2
        case .nan: 3
        }
    }

    private func isSmallerInSize(than other: PostgresNumeric) -> Bool {
        weight != other.weight ? weight < other.weight : digits.lexicographicallyPrecedes(other.digits)
    }
}

extension PostgresNumeric: ExpressibleByIntegerLiteral {
    /// An integer, exactly.
    public init(integerLiteral value: Int) {
        self.init(value)
    }
}
