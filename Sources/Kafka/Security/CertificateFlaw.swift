internal import COpenSSL

/// Why a peer's certificate is not accepted, by OpenSSL's code, and what to do about it. A pure value.
struct CertificateFlaw: Sendable, Equatable, CustomStringConvertible {
    let code: Int32

    var description: String {
        let text = unsafe String(cString: X509_verify_cert_error_string(Int(code)))
        return advice.map { "\(text): \($0)" } ?? text
    }

    private var advice: String? {
        switch code {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            "the authority that issued it is not in the file of trusted authorities"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            "it is for another host name than the one that was connected to; use a name that it is for, or have it reissued"
        case X509_V_ERR_CERT_HAS_EXPIRED: "it has to be renewed (or this machine's clock is wrong)"
        case X509_V_ERR_CERT_NOT_YET_VALID: "look at this machine's clock"
        default: nil
        }
    }
}
