/// Godwit's mark: a wader with a long bill, drawn with one path and a leg.
enum Mark {
    static let svg: HTML = """
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">\
        <rect width="32" height="32" rx="8" class="ground"/>\
        <path class="bird" d="M3.5 9.2 14.6 10.9C15 8.6 17 7 19.1 7.4c2 .4 3.2 2.2 2.9 4.2l-.5 2.6c3.3 1.1 5.7 3.5 \
        7 7-3.8 1.2-9.7 1.4-13.4-.3-2.7-1.3-3-4.1-1.3-6.2.7-.9 1.2-1.7 1.3-2.5L3.5 9.2Z"/>\
        <path class="leg" d="M18.5 22v5.5M22 21.8v5.7"/></svg>
        """

    /// The same as a file, with colours of its own.
    static let file = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">\
        <rect width="32" height="32" rx="8" fill="#0b5cad"/>\
        <path fill="#fff" d="M3.5 9.2 14.6 10.9C15 8.6 17 7 19.1 7.4c2 .4 3.2 2.2 2.9 4.2l-.5 2.6c3.3 1.1 5.7 3.5 \
        7 7-3.8 1.2-9.7 1.4-13.4-.3-2.7-1.3-3-4.1-1.3-6.2.7-.9 1.2-1.7 1.3-2.5L3.5 9.2Z"/>\
        <path fill="none" stroke="#fff" stroke-width="1.4" d="M18.5 22v5.5M22 21.8v5.7"/></svg>

        """
}
