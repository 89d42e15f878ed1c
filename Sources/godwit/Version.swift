import CVersion

/// Which Godwit this is.
enum Version {
    /// Semantic: the one place for the number.
    static let number = "0.9.0"

    /// `0.9.0 (0f12a11ce42f)`
    static var text: String { "\(number) (\(String(cString: godwit_commit())))" }
}
