# SPDX-License-Identifier: Apache-2.0

# The requests by which a test controls the strict S3 server.  They need no
# signature, and what they send and receive is JSON:
#
#     PUT, GET, DELETE /.control/faults     the rules of OCI::S3::Faults
#     GET, DELETE      /.control/log        the requests so far, without these
#     GET              /.control/objects    {"objects": [...], "uploads": [...]}
#     PUT              /.control/clock      {"offset": seconds}
#     PUT              /.control/credentials   see OCI::S3::Metadata
#     DELETE           /.control/credentials   end all temporary keys at once

package OCI::S3::Control;

use strict;
use warnings;

use JSON::PP ();
use OCI::S3::Reply;

my $JSON = JSON::PP->new->canonical->utf8->allow_nonref;

my %CONTROL = (
    'PUT faults'         => \&set_faults,
    'GET faults'         => sub { $_[0]{faults}->rules },
    'DELETE faults'      => sub { set_faults($_[0], []) },
    'GET log'            => sub { $_[0]{log} },
    'DELETE log'         => sub { $_[0]{log} = []; return {} },
    'GET objects'        => \&objects,
    'PUT clock'          => \&set_clock,
    'PUT credentials'    => sub { $_[0]{metadata}->set($_[1]) },
    'DELETE credentials' => sub { $_[0]{metadata}->revoke; return {} },
);

# A function returns what is sent, or a string that says what is wrong.
sub reply {
    my ($request, $server) = @_;
    my $name = $request->method . $request->path =~ s{\A/\.control/}{ }r;
    my $function = $CONTROL{$name}
        or return OCI::S3::Reply::text(404, "there is no '$name'\n");
    my $value;
    if ($request->method eq 'PUT') {
        my $body = $request->{body};
        $value = eval { $JSON->decode($body->read(0, $body->size)) }
            // return OCI::S3::Reply::text(400, "not JSON\n");
    }
    my $result = $function->($server, $value);
    return OCI::S3::Reply::text(400, "$result\n") if !ref $result;
    return OCI::S3::Reply::text(200, $JSON->encode($result),
        'application/json');
}

sub set_faults {
    my ($server, $rules) = @_;
    my $wrong = $server->{faults}->set($rules);
    return $wrong if defined $wrong;
    $server->{generation}++;
    return {};
}

sub set_clock {
    my ($server, $value) = @_;
    return 'there is no offset'
        if ref $value ne 'HASH' || !defined $value->{offset};
    $server->{offset} = $value->{offset};
    return {};
}

# Bytes in UTF-8 as characters.
sub characters {
    my $text = shift;
    utf8::decode($text) if defined $text;
    return $text;
}

sub objects {
    my $server = shift;
    my $store = $server->{store};
    my @objects = map { $store->object($_) } $store->keys_after('', '');
    return {
        objects => [ map { { key => characters($_->{key}),
            size => $_->{size}, etag => $_->{etag},
            headers => $_->{headers} } } @objects ],
        uploads => [ map { { key => characters($_->{key}), id => $_->{id},
            parts => parts($_) } } $store->uploads ],
    };
}

sub parts {
    my $upload = shift;
    return [ map { { number => $_->{number}, etag => $_->{etag},
        size => $_->{body}->size } }
        sort { $a->{number} <=> $b->{number} } values %{ $upload->{parts} } ];
}

1;
