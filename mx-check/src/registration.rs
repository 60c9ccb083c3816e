//! Who a domain is registered with, and until when: RDAP, and WHOIS where there is none.
