# SPDX-License-Identifier: Apache-2.0

# Every test script begins with
#
#     use OCI::Test;
#
# which enables strict and warnings, loads Test::More, OCI::Server and
# OCI::Client, and exports OCI::Client's functions for documents and the checks
# below.

package OCI::Test;

use strict;
use warnings;

use JSON::PP ();
use OCI::Client;
use OCI::Server;
use Test::More ();

my @FUNCTIONS = qw(error_is status_is header_is);
my @DOCUMENTS = qw(descriptor digest_of image_index image_manifest json_text
    random_bytes with_query IMAGE_CONFIG IMAGE_INDEX IMAGE_LAYER
    IMAGE_MANIFEST);

sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    eval "package $caller; Test::More->import; 1" or die $@;
    no strict 'refs';
    *{"${caller}::$_"} = \&{"OCI::Test::$_"}   for @FUNCTIONS;
    *{"${caller}::$_"} = \&{"OCI::Client::$_"} for @DOCUMENTS;
    return;
}

# One test: the status.  If it is another, the response is printed.
sub status_is {
    my ($res, $status, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is($res->status, $status, $name // "status $status")
        || Test::More::diag($res->text) && 0;
}

# One test: a header's value, or undef for its absence.
sub header_is {
    my ($res, $header, $value, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is($res->header($header), $value, $name // $header);
}

# One test: an error in the form of the distribution-spec, with this status and
# code and a message that matches.  For HEAD, whose responses have no body, the
# code and the message are not checked.
sub error_is {
    my ($res, $status, $code, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @faults = error_faults($res, $status, $code, $message);
    my $ok = Test::More::ok(!@faults, $name // "$status $code");
    Test::More::diag(join "\n", @faults, $res->text) if !$ok;
    return $ok;
}

sub error_faults {
    my ($res, $status, $code, $message) = @_;
    my @faults;
    push @faults, "status " . $res->status . " is not $status"
        if $res->status != $status;
    push @faults, 'Content-Type is not application/json'
        if ($res->header('Content-Type') // '') ne 'application/json';
    push @faults, 'no Docker-Distribution-API-Version'
        if ($res->header('Docker-Distribution-API-Version') // '')
        ne 'registry/2.0';
    return @faults if $res->{method} eq 'HEAD';
    my $json = $res->json;
    my $errors = ref $json eq 'HASH' ? $json->{errors} : undef;
    return (@faults, 'no errors in the body')
        if ref $errors ne 'ARRAY' || !@$errors;
    for my $error (@$errors) {
        push @faults, "an error without $_"
            for grep { !exists $error->{$_} } qw(code message);
        push @faults, 'an empty detail'
            if exists $error->{detail} && !%{ $error->{detail} };
        push @faults, 'an empty message' if !length($error->{message} // '');
        push @faults, "code $error->{code} is not $code"
            if ($error->{code} // '') ne $code;
    }
    push @faults, "no message matches $message"
        if $message && !grep { ($_->{message} // '') =~ $message } @$errors;
    return @faults;
}

1;
