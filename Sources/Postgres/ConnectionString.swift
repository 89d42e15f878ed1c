import CLibPQ

/// A connection string, read by libpq and held to what libpq takes silently: a password that is not percent-encoded moves
/// the borders between host, port and database, and the connection then waits for a host that nobody has.
///
/// No reason quotes the string: any part of it may be a part of the password.
enum ConnectionString {
    /// libpq's keywords and values.
    ///
    /// - Throws: `invalidConfiguration`, with what to write instead.
    static func parse(_ text: String) throws(PostgresError) -> [String: String] {
        if let flaw = flaw(of: text) { throw refusal(flaw) }
        var errorText: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(text, &errorText) else {
            defer { unsafe PQfreemem(errorText) }
            let reason = unsafe errorText.map { unsafe String(cString: $0) } ?? "out of memory"
            throw refusal("\(withoutQuotes(reason)); \(isURL(text) ? encoding : quoting)")
        }
        defer { unsafe PQconninfoFree(options) }
        var keywords: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe keywords[String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        if let name = repeated(in: text) {
            throw refusal("\(name) is given twice; remove one, or \(isURL(text) ? encoding : quoting)")
        }
        if let flaw = misplaced(in: keywords) { throw refusal("\(flaw); \(isURL(text) ? encoding : quoting)") }
        if let flaw = refusedLater(in: keywords) { throw refusal(flaw) }
        return keywords
    }

    private static let encoding =
        "percent-encode what is special in user, password and database (%2F for /, %40 for @, %3A for :, %3F for ?, "
        + "%23 for #, %25 for %, %20 for a space), or give the password apart"
    private static let quoting =
        "put values with spaces or quotation marks in single quotes (password='it\\'s one'), or give the password apart"

    private static func refusal(_ reason: String) -> PostgresError {
        PostgresError(.invalidConfiguration, "the connection string is not valid: \(reason)")
    }

    private static func isURL(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    }

    /// What is wrong with the text itself.
    private static func flaw(of text: String) -> String? {
        if text.utf8.contains(0) { return "it holds a NUL character" }
        guard isURL(text) else {
            let isOther = text.firstRange(of: "://").map { scheme in
                text[..<scheme.lowerBound].utf8.allSatisfy { isLetter($0) || $0 == UInt8(ascii: ":") }
            }
            return isOther == true ? "a URL begins with postgres:// or postgresql://, in lower case" : nil
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            return "the URL holds a space or a control character; \(encoding)"
        }
        let rest = text.drop { $0 != "/" }.dropFirst(2)
        let authority = rest.prefix { $0 != "/" }
        // A query may hold one: `?user=relay@tenant`.
        let path = rest.dropFirst(authority.count).prefix { $0 != "?" }
        if authority.count(where: { $0 == "@" }) > 1 { return "there is more than one @ before the host; \(encoding)" }
        if path.contains("@") { return "there is an @ behind the first /; \(encoding)" }
        return nil
    }

    /// A part of the place that follows the password and is given elsewhere too: libpq takes the last one, and the password
    /// probably goes on there. The text is one that libpq can read.
    private static func repeated(in text: String) -> String? {
        let names = isURL(text) ? namesOfPathAndQuery(text) : keywords(in: text)
        guard let password = names.firstIndex(of: "password"), password + 1 < names.count else { return nil }
        let next = names[password + 1]
        let isShown = ["host", "hostaddr", "port", "dbname", "user"].contains(next)
        return isShown && names.count { $0 == next } > 1 ? next : nil
    }

    private static func namesOfPathAndQuery(_ url: String) -> [String] {
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        // A password may hold a question mark too.
        let start = rest.prefix { $0 != "/" }.lastIndex(of: "@") ?? rest.startIndex
        let query = rest[start...].drop { $0 != "?" }.dropFirst()
        let path = rest[start...].prefix { $0 != "?" }.drop { $0 != "/" }.dropFirst()
        return (path.isEmpty ? [] : ["dbname"]) + query.split(separator: "&").map { String($0.prefix { $0 != "=" }) }
    }

    /// The names in `name = value 'na me' = …`, as libpq reads them.
    private static func keywords(in text: String) -> [String] {
        func isSpace(_ character: Character) -> Bool { character.isWhitespace }
        var names: [String] = []
        var rest = text.drop(while: isSpace)
        while !rest.isEmpty {
            let name = rest.prefix { $0 != "=" && !isSpace($0) }
            names.append(String(name))
            rest = rest.dropFirst(name.count).drop(while: isSpace).dropFirst().drop(while: isSpace)
            let isQuoted = rest.first == "'"
            if isQuoted { rest = rest.dropFirst() }
            while let character = rest.first, isQuoted ? character != "'" : !isSpace(character) {
                rest = rest.dropFirst(character == "\\" ? 2 : 1)
            }
            if isQuoted { rest = rest.dropFirst() }
            rest = rest.drop(while: isSpace)
        }
        return names
    }

    /// What shows that a border is not where it was meant.
    private static func misplaced(in keywords: [String: String]) -> String? {
        for port in items(keywords["port"]) where !isPort(port) { return "a port is not a number from 1 to 65535" }
        for host in items(keywords["host"]) where !isHost(host) { return "a host's name holds what no host's name has" }
        if let database = keywords["dbname"], database.contains("://") || database.contains("password=") {
            return "dbname is the database's name alone"
        }
        return nil
    }

    /// What libpq finds out only when it connects.
    private static func refusedLater(in keywords: [String: String]) -> String? {
        for number in ["connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count"] {
            if let text = keywords[number], Int32(text) == nil { return "\(number) is no whole number" }
        }
        for (keyword, words) in choices {
            if let value = keywords[keyword], !value.isEmpty, !words.contains(value) {
                return "\(keyword) must be one of \(words.joined(separator: ", "))"
            }
        }
        return nil
    }

    /// The words that libpq knows, and refuses others of only when it connects.
    private static let choices = [
        ("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        ("channel_binding", ["disable", "prefer", "require"]),
        ("gssencmode", ["disable", "prefer", "require"]),
        ("target_session_attrs", ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]),
    ]

    private static func items(_ list: String?) -> [Substring] {
        list.map { $0.split(separator: ",") } ?? []
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) } && UInt16(text).map { $0 > 0 } == true
    }

    /// A folder or an abstract name of a socket may hold more than a host's name.
    private static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("/") || text.hasPrefix("@") { return !text.dropFirst().contains("@") }
        return !text.contains { "/@?#[]\\'\"=".contains($0) || $0.isWhitespace }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
}

/// The text up to the first quotation mark: what libpq and the server quote may be secret.
func withoutQuotes(_ text: String) -> String {
    let head = text.prefix { $0 != "\"" && $0 != "\n" }
    var words = String(head)
    while let last = words.last, last == " " || last == ":" { words.removeLast() }
    return words
}
